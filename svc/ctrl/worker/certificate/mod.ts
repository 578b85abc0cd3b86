/**
 * Certificates on Restate.
 *
 * ```ts
 * const services = [certificateService({ restate, steps: createCertificateSteps(deps) })];
 * ```
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { implement } from "@restatedev/restate-sdk/fetch";
import { type RestateDeps, runObject, target } from "../../../../pkg/durable/mod.ts";
import {
  ProcessChallengeRequestSchema,
  ProcessChallengeResponseSchema,
  RenewExpiringCertificatesResponseSchema,
} from "../../../../proto/gen/hydra/v1/hydra_pb.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { CertificateService } from "./contract.ts";
import type { CertificateSteps } from "./types.ts";
import { type AttemptSender, processChallenge, type Processed, renewExpiring } from "./workflow.ts";

export interface CertificateServiceDeps {
  readonly restate: RestateDeps;
  readonly steps: CertificateSteps;
}

/** Binds certificates. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function certificateService({ restate, steps }: CertificateServiceDeps) {
  const deps = { steps, sendAttempt };
  return implement(CertificateService, {
    handlers: {
      ProcessChallenge: (ctx, { workspaceId }) =>
        runObject(ctx, restate, async (durable) => {
          const processed = await processChallenge(durable, deps, workspaceId);
          const certificateId = processed.kind === "issued" ? processed.certificateId : "";
          return create(ProcessChallengeResponseSchema, { certificateId, status: STATUS[processed.kind] });
        }),
      RenewExpiringCertificates: (ctx, { daysBeforeExpiry }) =>
        runObject(ctx, restate, async (durable) => {
          const { checked, triggered, failing } = await renewExpiring(durable, deps, daysBeforeExpiry);
          return create(RenewExpiringCertificatesResponseSchema, {
            certificatesChecked: checked,
            renewalsTriggered: triggered,
            failedDomains: [...failing],
          });
        }),
    },
    options: {
      // Kill: what an attempt has done is in the tables, and the next one goes on from there.
      retryPolicy: { ...RETRY_POLICY, maxAttempts: 1_000, onMaxAttempts: "kill" },
    },
  });
}

const STATUS: Record<Processed["kind"], string> = {
  issued: "success",
  waiting: "waiting",
  unwanted: "cancelled",
};

const sendAttempt: AttemptSender = async (durable, { hostname, workspaceId }, options) => {
  const message = create(ProcessChallengeRequestSchema, { workspaceId, domain: hostname });
  await durable.send(target(CertificateService, "ProcessChallenge", hostname), message, options);
};
