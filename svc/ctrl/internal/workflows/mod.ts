/**
 * How the api starts and wakes workflows, without knowing what runs them.
 *
 * ```ts
 * await workflows.submitDeploy(id, signal); // safe to repeat: the workflow's id is the deployment's id
 * ```
 *
 * The implementation over Restate's ingress is in `svc/ctrl/internal/workflows/restate.ts`.
 *
 * @module
 */
import type { DeploymentId, EnvironmentId } from "../../../../pkg/uid/mod.ts";

/** Sends to workflows. Each call either was taken durably or throws a retryable fault. */
export interface Workflows {
  /** Starts the deploy of `id` unless it was started before. */
  submitDeploy(id: DeploymentId, signal?: AbortSignal): Promise<void>;
  /** Asks a running deploy to stop and undo itself. Harmless when it has ended. */
  cancelDeploy(id: DeploymentId, signal?: AbortSignal): Promise<void>;
  /** Wakes a deploy that waits for instances: something about them changed. Losing one costs a re-check interval. */
  instancesChanged(id: DeploymentId, signal?: AbortSignal): Promise<void>;
  /** Switches the environment's live traffic to `target`; answers when it is done. */
  promote(environment: EnvironmentId, target: DeploymentId, signal?: AbortSignal): Promise<void>;
  /** The same, backwards; marks the environment as rolled back. */
  rollback(
    environment: EnvironmentId,
    source: DeploymentId,
    target: DeploymentId,
    signal?: AbortSignal,
  ): Promise<void>;
}
