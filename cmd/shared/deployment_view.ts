/** A deployment as commands print it. */
import { type Deployment, DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";

/** A deployment in the JSON of commands. Times are milliseconds since the epoch. */
export interface DeploymentJson {
  readonly id: string;
  readonly status: string;
  readonly live: boolean;
  /** The live deployment of its environment, if that is another one. */
  readonly liveDeploymentId?: string;
  readonly project: string;
  readonly environment: string;
  /** Present while the environment is rolled back: new deployments wait for a promote. */
  readonly rolledBack?: true;
  readonly branch: string;
  readonly commit?: { readonly sha: string; readonly message: string; readonly author: string };
  readonly urls: readonly string[];
  /** Present when its visitors have to give a password. */
  readonly protected?: true;
  /** Present while it sleeps, or wakes: no instance runs until a request has come. */
  readonly asleep?: { readonly since: number; readonly waking: boolean };
  readonly instances: { readonly desired: number; readonly running: number };
  /** The deployment whose image it used again instead of a build. */
  readonly imageSourceDeploymentId?: string;
  /** Present when its image is no longer kept: it cannot run again. */
  readonly imageRemoved?: true;
  /** Only while it waits for a build slot. */
  readonly queue?: {
    /** From 1. */
    readonly position: number;
    readonly blockers: readonly string[];
    readonly queuedAt: number;
  };
  /** Present while it is stopped, where that is known. */
  readonly stop?: { readonly reason: string; readonly message: string; readonly at: number };
  /** When it is stopped, after its traffic went to another one; absent when it is not. */
  readonly stopsAt?: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly exitCode?: number;
    /** The last lines of the build or app that failed. */
    readonly output?: { readonly source: string; readonly origin: string; readonly lines: readonly string[] };
  };
}

/** The status in one word, e.g. `ready`. */
export function statusName(status: DeploymentStatus): string {
  return (DeploymentStatus[status] ?? `unknown (${status})`).toLowerCase();
}

/** Causes of stops that their reader did not order. */
const STOP_WORDS: Readonly<Record<string, string>> = {
  branch_gone: "branch gone",
  no_requests: "no requests",
};

/** The status as tables show it: with the place in the queue, e.g. `queued #2`, or with a removed image, which prevents a start. */
export function statusText(
  { status, queuePosition, imageRemoved, stop, asleepSince, waking }: Pick<
    Deployment,
    "status" | "queuePosition" | "imageRemoved" | "stop" | "asleepSince" | "waking"
  >,
): string {
  const sleep = asleepSince === 0n ? undefined : waking ? "waking" : "asleep";
  const cause = STOP_WORDS[stop?.reason ?? ""] ?? sleep;
  const name = cause === undefined ? statusName(status) : `${statusName(status)} (${cause})`;
  if (imageRemoved) return `${name}, image removed`;
  return queuePosition === 0 ? name : `${name} #${queuePosition}`;
}

/** True while the deployment's workflow runs. */
export function isActive({ status }: Pick<Deployment, "status">): boolean {
  return status === DeploymentStatus.PENDING || status === DeploymentStatus.QUEUED ||
    status === DeploymentStatus.BUILDING || status === DeploymentStatus.DEPLOYING ||
    status === DeploymentStatus.NETWORK;
}

export function deploymentJson(deployment: Deployment): DeploymentJson {
  const { gitCommitSha: sha, gitCommitMessage: message, gitCommitAuthorHandle: author } = deployment;
  const { errorMessage, failureCode, status, environmentLiveDeploymentId: liveDeploymentId } = deployment;
  const { imageSourceDeploymentId, stop, stopsAt } = deployment;
  return {
    id: deployment.id,
    status: statusName(status),
    live: deployment.live,
    ...(deployment.live || liveDeploymentId === "" ? {} : { liveDeploymentId }),
    project: deployment.projectSlug,
    environment: deployment.environmentSlug,
    ...(deployment.environmentRolledBack ? { rolledBack: true } : {}),
    branch: deployment.gitBranch,
    ...(sha === "" ? {} : { commit: { sha, message, author } }),
    urls: deployment.urls,
    ...(deployment.protected ? { protected: true } : {}),
    ...(deployment.asleepSince === 0n
      ? {}
      : { asleep: { since: Number(deployment.asleepSince), waking: deployment.waking } }),
    instances: { desired: deployment.desiredInstances, running: deployment.runningInstances },
    ...(imageSourceDeploymentId === "" ? {} : { imageSourceDeploymentId }),
    ...(deployment.imageRemoved ? { imageRemoved: true } : {}),
    ...(deployment.queuePosition === 0 ? {} : {
      queue: {
        position: deployment.queuePosition,
        blockers: deployment.queueBlockerIds,
        queuedAt: Number(deployment.queuedAt),
      },
    }),
    ...(stop === undefined
      ? {}
      : { stop: { reason: stop.reason, message: stop.message, at: Number(stop.at) } }),
    ...(stopsAt === 0n ? {} : { stopsAt: Number(stopsAt) }),
    createdAt: Number(deployment.createdAt),
    updatedAt: Number(deployment.updatedAt),
    ...(errorMessage === "" && failureCode === "" ? {} : {
      error: { code: failureCode || statusName(status), message: errorMessage, ...leftBehind(deployment) },
    }),
  };
}

function leftBehind({ failureDetails }: Deployment) {
  if (failureDetails === undefined) return {};
  const { exitCode, source, origin, logLines: lines } = failureDetails;
  return {
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(lines.length === 0 ? {} : { output: { source, origin, lines } }),
  };
}
