/**
 * Custom domains on Restate.
 *
 * ```ts
 * const services = [domainService({ restate, steps: createDomainSteps(deps) })];
 * ```
 *
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { implement } from "@restatedev/restate-sdk/fetch";
import { type RestateDeps, runObject, target } from "../../../../pkg/durable/mod.ts";
import { ProcessChallengeRequestSchema } from "../../../../proto/gen/hydra/v1/hydra_pb.ts";
import { CertificateService } from "../certificate/contract.ts";
import { RETRY_POLICY } from "../restate/retry_policy.ts";
import { CustomDomainWorkflow } from "./contract.ts";
import type { DomainSteps } from "./types.ts";
import { type DomainSenders, verifyDomain, verifyDueDomains } from "./workflow.ts";

export interface DomainServiceDeps {
  readonly restate: RestateDeps;
  readonly steps: DomainSteps;
}

/** Binds custom domains. */
// deno-lint-ignore explicit-module-boundary-types -- the SDK infers the bindable type
export function domainService({ restate, steps }: DomainServiceDeps) {
  const deps = { steps, send: SENDERS };
  return implement(CustomDomainWorkflow, {
    handlers: {
      VerifyDomain: (ctx) => runObject(ctx, restate, (durable) => verifyDomain(durable, deps)),
      VerifyDueDomains: (ctx) => runObject(ctx, restate, (durable) => verifyDueDomains(durable, deps)),
    },
    options: {
      // Kill: what a check has done is in the tables, and the next one goes on from there.
      retryPolicy: { ...RETRY_POLICY, maxAttempts: 1_000, onMaxAttempts: "kill" },
    },
  });
}

/** Messages over Restate. */
export const SENDERS: DomainSenders = {
  async check(durable, domainId, options) {
    await durable.send(target(CustomDomainWorkflow, "VerifyDomain", domainId), {}, options);
  },
  async certificate(durable, hostname, workspaceId) {
    const message = create(ProcessChallengeRequestSchema, { workspaceId, domain: hostname });
    await durable.send(target(CertificateService, "ProcessChallenge", hostname), message);
  },
};
