/** The life of a deployment, as both api and worker see it. */

export type DeploymentStatus =
  | "pending"
  | "queued"
  | "building"
  | "deploying"
  | "network"
  | "ready"
  | "failed"
  | "cancelled"
  | "superseded"
  | "stopped";

/** Why a deployment failed, for programs; the text beside it is for people. */
export type FailureCode =
  | "build_failed"
  | "build_timeout"
  | "queue_timeout"
  | "queue_full"
  | "dockerfile_missing"
  | "context_missing"
  | "context_invalid"
  | "push_denied"
  | "push_failed"
  | "builder_full"
  | "registry_full"
  | "registry_unavailable"
  | "release_failed"
  | "image_unavailable"
  | "refused"
  | "crash_loop"
  | "out_of_memory"
  | "not_listening"
  | "not_ready_in_time"
  | "no_region"
  | "host_taken"
  | "internal";

/** Traces of a failed build or app. */
export interface FailureDetails {
  /** Absent when nothing exited. */
  readonly exitCode?: number;
  readonly source: "build" | "instance";
  /** The Dockerfile's instruction, or the instance. */
  readonly origin: string;
  /** Its last output. */
  readonly lines: readonly string[];
}

/** True when no workflow will change it any more. A ready deployment can still be stopped. */
const FINAL: Record<DeploymentStatus, boolean> = {
  pending: false,
  queued: false,
  building: false,
  deploying: false,
  network: false,
  ready: true,
  failed: true,
  cancelled: true,
  superseded: true,
  stopped: true,
};

/** True when the deployment's workflow has ended. */
export function isFinal(status: DeploymentStatus): boolean {
  return FINAL[status];
}

/** All statuses from which a workflow still moves on. */
export const ACTIVE_STATUSES: readonly DeploymentStatus[] = [
  "pending",
  "queued",
  "building",
  "deploying",
  "network",
];
