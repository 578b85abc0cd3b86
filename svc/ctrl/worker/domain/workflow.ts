/** The order of a check. Each domain has its checks to itself. */
import type { DurableObject } from "../../../../pkg/durable/mod.ts";
import type { DueOutcome, VerifyOutcome } from "./contract.ts";
import type { DomainSteps } from "./types.ts";

/** Messages to this workflow and to that of certificates. */
export interface DomainSenders {
  check(
    durable: DurableObject,
    domainId: string,
    options: { readonly delayMs: number; readonly idempotencyKey: string },
  ): Promise<void>;
  /** An attempt to get a certificate, or the giving up of one. */
  certificate(durable: DurableObject, hostname: string, workspaceId: string): Promise<void>;
}

export interface DomainWorkflowDeps {
  readonly steps: DomainSteps;
  readonly send: DomainSenders;
}

/** One check of the object's domain. */
export async function verifyDomain(durable: DurableObject, deps: DomainWorkflowDeps): Promise<VerifyOutcome> {
  const { steps, send } = deps;
  const domainId = durable.key;
  const begun = await durable.run("begin", () => steps.begin(domainId));
  if (begun.kind === "early") return { status: "waiting" };
  if (begun.kind !== "due") return { status: begun.kind };
  const looked = await durable.run("look", (signal) => steps.look(domainId, signal));
  const applied = await durable.run("apply", () => steps.apply({ domainId, check: begun.check }, looked));
  for (const hostname of applied.ended) await send.certificate(durable, hostname, "");
  let { delayMs } = applied;
  if (applied.status === "verified") {
    const wanted = await durable.run("want certificate", () => steps.want(domainId));
    if (wanted.kind === "wanted") await send.certificate(durable, wanted.hostname, wanted.workspaceId);
    if (wanted.kind === "later") delayMs = wanted.delayMs;
  }
  if (delayMs !== null) {
    const idempotencyKey = `${domainId}/${begun.check + 1}`;
    await send.check(durable, domainId, { delayMs, idempotencyKey });
  }
  return { status: applied.status };
}

const PERIOD_MS = 10 * 60_000;

/** Starts the checks whose message was lost. */
export async function verifyDueDomains(
  durable: DurableObject,
  deps: DomainWorkflowDeps,
): Promise<DueOutcome> {
  const { steps, send } = deps;
  const due = await durable.run("find due", () => steps.due());
  const nowMs = await durable.now();
  for (const domainId of due) {
    // Another key than that of the message which may be lost; within ten minutes they are one.
    const idempotencyKey = `${domainId}/due/${Math.floor(nowMs / PERIOD_MS)}`;
    await send.check(durable, domainId, { delayMs: 0, idempotencyKey });
  }
  return { started: due.length };
}
