/**
 * Gradual switches on Restate.
 *
 * ```ts
 * const services = [gradualService({ restate, steps })];
 * ```
 *
 * @module
 */
import { implement } from "@restatedev/restate-sdk/fetch";
import { type RestateDeps, runObject } from "../../../../pkg/durable/mod.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { GradualSwitchService } from "./contract.ts";
import { abort, advance, begin, type GradualWorkflowDeps, look, watch } from "./workflow.ts";

export interface GradualServiceDeps extends GradualWorkflowDeps {
  readonly restate: RestateDeps;
}

/** Binds the service of gradual switches. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function gradualService({ restate, ...deps }: GradualServiceDeps) {
  return implement(GradualSwitchService, {
    handlers: {
      begin: (ctx, order) => runObject(ctx, restate, (durable) => begin(durable, deps, order)),
      look: (ctx, request) => runObject(ctx, restate, (durable) => look(durable, deps, request)),
      advance: (ctx, act) => runObject(ctx, restate, (durable) => advance(durable, deps, act)),
      abort: (ctx, act) => runObject(ctx, restate, (durable) => abort(durable, deps, act)),
      watch: (ctx) => runObject(ctx, restate, (durable) => watch(durable, deps)),
    },
    options: {
      handlers: { look: { ingressPrivate: true } },
      // Kill, not pause: a paused call holds its key, so that no person could end the switch. Nothing needs undoing, since every
      // step is a whole transaction, and a chain of looks that broke off is begun again.
      retryPolicy: { ...RETRY_POLICY, onMaxAttempts: "kill" },
    },
  });
}
