/**
 * The build slots on Restate.
 *
 * ```ts
 * const services = [buildSlotService({ restate, steps: createSlotSteps({ db, clock, limits }) })];
 * ```
 *
 * @module
 */
import { implement } from "@restatedev/restate-sdk/fetch";
import { type RestateDeps, runObject } from "../../../../pkg/durable/mod.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { BuildSlotService } from "./contract.ts";
import type { SlotSteps } from "./types.ts";
import { acquire, release } from "./workflow.ts";

export interface BuildSlotServiceDeps {
  readonly restate: RestateDeps;
  readonly steps: SlotSteps;
}

/** Binds the build slots. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function buildSlotService({ restate, steps }: BuildSlotServiceDeps) {
  return implement(BuildSlotService, {
    handlers: {
      acquire: (ctx, request) => runObject(ctx, restate, (durable) => acquire(durable, steps, request)),
      release: (ctx, request) => runObject(ctx, restate, (durable) => release(durable, steps, request)),
    },
    options: {
      ingressPrivate: true,
      // Kill: a paused call would hold the whole workspace's queue. Nothing needs undoing, since a step is a whole
      // transaction and leases mend what was not handed on.
      retryPolicy: { ...RETRY_POLICY, onMaxAttempts: "kill" },
    },
  });
}
