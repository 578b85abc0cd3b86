/**
 * The look for OpenAPI documents on Restate.
 *
 * ```ts
 * const services = [openApiService({ restate, steps: createOpenApiSteps({ db, clock, edgeUrl }) })];
 * ```
 *
 * @module
 */
import { implement } from "@restatedev/restate-sdk/fetch";
import { type RestateDeps, runService } from "../../../../pkg/durable/mod.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { OpenApiWorkflow } from "./contract.ts";
import type { OpenApiSteps } from "./types.ts";
import { scrapeSpec } from "./workflow.ts";

export interface OpenApiServiceDeps {
  readonly restate: RestateDeps;
  readonly steps: OpenApiSteps;
}

const ATTEMPTS_MAX = 20;

/** Binds the look. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function openApiService({ restate, steps }: OpenApiServiceDeps) {
  return implement(OpenApiWorkflow, {
    handlers: {
      ScrapeSpec: (ctx, request) =>
        runService(ctx, restate, (durable) => scrapeSpec(durable, steps, request)),
    },
    // Kill: there is nothing to take back, and the next deployment is looked at anew.
    options: { retryPolicy: { ...RETRY_POLICY, maxAttempts: ATTEMPTS_MAX, onMaxAttempts: "kill" } },
  });
}
