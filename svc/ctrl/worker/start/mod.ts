/**
 * The start workflow on Restate.
 *
 * ```ts
 * const services = [startService({ restate, steps, limits, recheckMs: 5_000 })];
 * ```
 *
 * @module
 */
import { implement } from "@restatedev/restate-sdk/fetch";
import {
  type DurableWorkflow,
  type RestateDeps,
  runShared,
  runWorkflow,
  target,
} from "../../../../pkg/durable/mod.ts";
import type { StartOrder, SwitchOutcome } from "../../internal/workflows/messages.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { announceChange, CANCEL } from "../rollout/wait.ts";
import { routingKey, RoutingService } from "../routing/contract.ts";
import { StartService } from "./contract.ts";
import { start, type StartWorkflowDeps } from "./workflow.ts";

export interface StartServiceDeps extends Omit<StartWorkflowDeps, "switchTraffic"> {
  readonly restate: RestateDeps;
}

/** Binds the start workflow and the handlers that wake and cancel it. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function startService({ restate, ...deps }: StartServiceDeps) {
  const workflow: StartWorkflowDeps = { ...deps, switchTraffic: callSwitch };
  return implement(StartService, {
    handlers: {
      run: (ctx, order) => runWorkflow(ctx, restate, (durable) => start(durable, workflow, order)),
      instancesChanged: (ctx) => runShared(ctx, restate, announceChange),
      cancel: (ctx) => runShared(ctx, restate, (shared) => shared.signal(CANCEL)),
    },
    // Pause: what was started has to be stopped again, which only the workflow can do once an operator resumes it.
    options: { retryPolicy: { ...RETRY_POLICY, onMaxAttempts: "pause" } },
  });
}

async function callSwitch(durable: DurableWorkflow, order: StartOrder): Promise<SwitchOutcome> {
  const { deploymentId: targetDeploymentId, environmentId, then, actor } = order;
  const key = routingKey(environmentId);
  if (then.kind !== "rollback") {
    return await durable.call(target(RoutingService, "promote", key), { targetDeploymentId, actor });
  }
  const { sourceDeploymentId, cancels } = then;
  const rollback = { sourceDeploymentId, targetDeploymentId, cancels, actor };
  return await durable.call(target(RoutingService, "rollback", key), rollback);
}
