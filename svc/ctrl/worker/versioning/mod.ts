/**
 * The versioning service on Restate.
 *
 * ```ts
 * const services = [versioningService({ restate, steps })];
 * ```
 *
 * It has no workflow of its own: each handler is one step.
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { implement } from "@restatedev/restate-sdk/fetch";
import { type RestateDeps, runObject, runReader } from "../../../../pkg/durable/mod.ts";
import { GetVersionResponseSchema } from "../../../../proto/gen/hydra/v1/hydra_pb.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { VersioningService } from "./contract.ts";
import type { VersioningSteps } from "./steps.ts";

export interface VersioningServiceDeps {
  readonly restate: RestateDeps;
  readonly steps: VersioningSteps;
}

/** Binds the versioning service. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function versioningService({ restate, steps }: VersioningServiceDeps) {
  return implement(VersioningService, {
    handlers: {
      GetVersion: (ctx) =>
        runReader(ctx, restate, async (durable) => {
          const version = await durable.run("read version", () => steps.version(durable.key));
          return create(GetVersionResponseSchema, { version: BigInt(version) });
        }),
      Compact: (ctx) =>
        runObject(ctx, restate, async (durable) => ({
          deleted: await durable.run("compact", () => steps.compact(durable.key)),
        })),
    },
    options: {
      // Kill: the next compaction does the same work, and a paused one would keep it from running.
      retryPolicy: { ...RETRY_POLICY, maxAttempts: 100, onMaxAttempts: "kill" },
    },
  });
}
