/**
 * The routing service on Restate.
 *
 * ```ts
 * const services = [routingService({ restate, steps, retention })];
 * ```
 *
 * @module
 */
import { implement } from "@restatedev/restate-sdk/fetch";
import { type RestateDeps, runObject } from "../../../../pkg/durable/mod.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { RoutingService } from "./contract.ts";
import { assign, endUnused, move, retire, type RoutingWorkflowDeps, stop, stopByUser } from "./workflow.ts";

export interface RoutingServiceDeps extends RoutingWorkflowDeps {
  readonly restate: RestateDeps;
}

/** Called by workflows only: a request from outside could move traffic, or take a deployment out of it. */
const PRIVATE = { ingressPrivate: true };

/** Binds the routing service. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function routingService({ restate, ...deps }: RoutingServiceDeps) {
  return implement(RoutingService, {
    handlers: {
      assign: (ctx, request) =>
        runObject(ctx, restate, (durable) => assign(durable, deps, request.deploymentId)),
      promote: (ctx, order) =>
        runObject(ctx, restate, (durable) => move(durable, deps, { kind: "promote", ...order })),
      rollback: (ctx, order) =>
        runObject(ctx, restate, (durable) => move(durable, deps, { kind: "rollback", ...order })),
      retire: (ctx, request) => runObject(ctx, restate, (durable) => retire(durable, deps, request)),
      stop: (ctx, request) => runObject(ctx, restate, (durable) => stop(durable, deps, request)),
      endUnused: (ctx, request) => runObject(ctx, restate, (durable) => endUnused(durable, deps, request)),
      stopByUser: (ctx, order) => runObject(ctx, restate, (durable) => stopByUser(durable, deps, order)),
    },
    options: {
      handlers: { assign: PRIVATE, retire: PRIVATE, stop: PRIVATE },
      // Kill, not pause: a paused call holds its key, so one bad call would stop its whole environment. Nothing needs
      // undoing, since every step is a whole transaction.
      retryPolicy: { ...RETRY_POLICY, onMaxAttempts: "kill" },
    },
  });
}
