/**
 * The api's port to workflows: start, wake and cancel, independent of the engine that runs them.
 *
 * ```ts
 * await workflows.submitDeploy(id, signal); // safe to repeat: the workflow's id is the deployment's id
 * ```
 *
 * The implementation over Restate's ingress is in `svc/ctrl/internal/workflows/restate.ts`.
 *
 * @module
 */
import type { DeploymentId, EnvironmentId, GradualSwitchId, StartId } from "../../../../pkg/uid/mod.ts";
import type {
  GradualAct,
  GradualOrder,
  PromoteOrder,
  RollbackOrder,
  StartOrder,
  StartOutcome,
  StopByUserOrder,
  SwitchOutcome,
} from "./messages.ts";

export * from "./messages.ts";

/** Sends to workflows. Each call either was taken durably or throws a retryable fault. */
export interface Workflows {
  /** Starts the deploy of `id` unless it was started before. */
  submitDeploy(id: DeploymentId, signal?: AbortSignal): Promise<void>;
  /** Asks a running deploy to stop and undo itself. Harmless when it has ended. */
  cancelDeploy(id: DeploymentId, signal?: AbortSignal): Promise<void>;
  /** Wakes a deploy that waits for instances: something about them changed. Losing one costs a re-check interval. */
  instancesChanged(id: DeploymentId, signal?: AbortSignal): Promise<void>;
  /** Moves the environment's live traffic; answers when it is done. @throws the gate's refusal */
  promote(environment: EnvironmentId, order: PromoteOrder, signal?: AbortSignal): Promise<SwitchOutcome>;
  /** The same, backwards; marks the environment as rolled back. */
  rollback(environment: EnvironmentId, order: RollbackOrder, signal?: AbortSignal): Promise<SwitchOutcome>;
  /** Begins a gradual switch; answers when the first share is committed. @throws the gate's refusal */
  beginGradual(id: GradualSwitchId, order: GradualOrder, signal?: AbortSignal): Promise<void>;
  /** Goes on to its next step, which may be the last. @throws a refusal, such as that it has ended */
  advanceGradual(id: GradualSwitchId, act: GradualAct, signal?: AbortSignal): Promise<void>;
  /** Ends it: the live deployment serves all requests again. @throws a refusal, such as that it has ended */
  abortGradual(id: GradualSwitchId, act: GradualAct, signal?: AbortSignal): Promise<void>;
  /** Watches it again, in the place of any chain of looks. */
  watchGradual(id: string, signal?: AbortSignal): Promise<void>;
  /** Stops a deployment that serves nothing; answers when that is decided. @throws the gate's refusal */
  stopByUser(environment: EnvironmentId, order: StopByUserOrder, signal?: AbortSignal): Promise<void>;
  /** Starts a deployment that does not run, and waits for the end of it, which can take minutes. */
  start(id: StartId, order: StartOrder, signal?: AbortSignal): Promise<StartOutcome>;
  /** Waits for the end of a start that another call has ordered. */
  awaitStart(id: StartId, signal?: AbortSignal): Promise<StartOutcome>;
  /** Asks a start to stop and undo itself. Harmless when it has ended. */
  cancelStart(id: StartId, signal?: AbortSignal): Promise<void>;
  /** Wakes a start that waits for instances. */
  startChanged(id: StartId, signal?: AbortSignal): Promise<void>;
  /** Starts an attempt to get the certificate that is wanted for a host name. Harmless when there is nothing to do. */
  processCertificate(hostname: string, signal?: AbortSignal): Promise<void>;
  /** Starts a check of a custom domain that is due. Losing one costs until the next look for due ones. */
  verifyDomain(domainId: string, signal?: AbortSignal): Promise<void>;
}
