/** Deployments as the API shows them. */
import type { AppSettings } from "../../deployments/app/settings.ts";
import type { RunningBuild } from "../../deployments/queue.ts";
import type { DeploymentStatus, FailureCode, FailureDetails } from "../../deployments/status.ts";
import type { Sleep } from "../../deployments/sleep.ts";
import type { StopNote } from "../../deployments/stop_note.ts";

/** All fields that the API shows of a deployment. */
export interface DeploymentView {
  readonly id: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly projectSlug: string;
  readonly environmentId: string;
  readonly environmentSlug: string;
  readonly status: DeploymentStatus;
  readonly failureCode: FailureCode | undefined;
  readonly errorMessage: string;
  readonly failureDetails: FailureDetails | undefined;
  /** Only while it is stopped. */
  readonly stop: StopNote | undefined;
  /** When it is stopped, after its traffic went; `undefined`: not scheduled. */
  readonly stopsAt: number | undefined;
  /** Its own settings over those that its environment had. */
  readonly app: AppSettings;
  readonly image: string;
  /** Its image is no longer kept: it cannot run again. */
  readonly imageRemoved: boolean;
  readonly buildId: string;
  /** Empty: made from a source of its own. */
  readonly redeployOf: string;
  /** The deployment whose image was used again, because its content was the same; empty: its image is of no other build. */
  readonly imageSourceDeploymentId: string;
  readonly gitCommitSha: string;
  readonly gitBranch: string;
  readonly gitCommitMessage: string;
  readonly gitCommitAuthorHandle: string;
  readonly gitCommitAuthorAvatarUrl: string;
  readonly gitCommitTimestamp: number;
  readonly port: number;
  readonly healthCheckPath: string;
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  /** Instances in each region; 0: the number that the worker gives. */
  readonly replicas: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly live: boolean;
  readonly environmentRolledBack: boolean;
  /** The environment's live deployment; empty: it has none. */
  readonly environmentLiveDeploymentId: string;
  /** A cancel was asked for, or has moved its traffic back. */
  readonly cancelRequested: boolean;
  readonly runningInstances: number;
  readonly regions: readonly {
    readonly region: string;
    readonly replicas: number;
    readonly started: boolean;
  }[];
  /** It got no request for a while, so that none of its instances is wanted; `undefined`: it is awake. */
  readonly sleep: Sleep | undefined;
  /** Regions whose number of instances follows the load. */
  readonly scaled: readonly ScaledRegionView[];
  readonly steps: readonly DeploymentViewStep[];
  /** Names for people come first. */
  readonly hostnames: readonly string[];
  /** Visitors have to give a password. */
  readonly isProtected: boolean;
  /** Only while it waits for a build slot. */
  readonly queue: QueuePlace | undefined;
}

/** The number of instances in a region that follows the load. */
export interface ScaledRegionView {
  readonly region: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly running: number;
  /** The last one. */
  readonly change: { readonly atMs: number; readonly from: number; readonly reason: string } | undefined;
}

/** One step of the deploy. */
export interface DeploymentViewStep {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly errorMessage: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
}

/** Place of a build in its workspace's queue. */
export interface QueuePlace {
  /** Builds that wait before it. */
  readonly ahead: number;
  /** They hold the slots. */
  readonly running: readonly RunningBuild[];
  readonly queuedAt: number;
}
