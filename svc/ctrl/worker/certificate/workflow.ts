/** The order of getting a certificate. Each host name has its attempts to itself. */
import type { DurableObject } from "../../../../pkg/durable/mod.ts";
import { lookAfterMs } from "./plan.ts";
import type { CertificateSteps, Done, DueOrder, Issued, Pending, Unfinished, Wish } from "./types.ts";

/** The end of a call. */
export type Processed =
  | { readonly kind: "issued"; readonly certificateId: string }
  | { readonly kind: "waiting" }
  | { readonly kind: "unwanted" };

/** Another attempt, as a message to the object itself. */
export type AttemptSender = (
  durable: DurableObject,
  order: DueOrder,
  options: { readonly delayMs: number; readonly idempotencyKey: string },
) => Promise<void>;

export interface CertificateWorkflowDeps {
  readonly steps: CertificateSteps;
  readonly sendAttempt: AttemptSender;
}

/** One attempt to get the certificate of the object's host name, from whatever state the last one left. */
export async function processChallenge(
  durable: DurableObject,
  deps: CertificateWorkflowDeps,
  workspaceId: string,
): Promise<Processed> {
  const { steps } = deps;
  const hostname = durable.key;
  const begun = await durable.run("begin", () => steps.begin(hostname));
  switch (begun.kind) {
    case "current":
      return { kind: "issued", certificateId: begun.certificateId };
    case "early":
      return { kind: "waiting" };
    case "unwanted":
      return { kind: "unwanted" };
    case "cancelled":
      return await forget(durable, steps, { hostname, attempt: begun.attempt });
    case "begun": {
      const wish = { hostname, attempt: begun.attempt };
      const end = await attempt(durable, steps, wish);
      if (end.kind === "issued") {
        await durable.run("take proofs away", (signal) => steps.clean(hostname, signal));
        return end;
      }
      if (end.kind === "unwanted") return await forget(durable, steps, wish);
      const waitMs = await durable.run("note failure", (signal) => steps.fail(wish, end, signal));
      await durable.run("take proofs away", (signal) => steps.clean(hostname, signal));
      if (waitMs === null) return await forget(durable, steps, wish);
      const next = { hostname, workspaceId, attempt: begun.attempt + 1 };
      await deps.sendAttempt(durable, next, { delayMs: waitMs, idempotencyKey: attemptKey(next) });
      return { kind: "waiting" };
    }
    default:
      return begun satisfies never;
  }
}

/** The same for every message about one attempt, so that it is made once. */
function attemptKey({ hostname, attempt }: DueOrder): string {
  return `${hostname}/${attempt}`;
}

async function forget(durable: DurableObject, steps: CertificateSteps, wish: Wish): Promise<Processed> {
  await durable.run("take proofs away at last", (signal) => steps.clean(wish.hostname, signal));
  await durable.run("forget", (signal) => steps.forget(wish, signal));
  return { kind: "unwanted" };
}

async function attempt(
  durable: DurableObject,
  steps: CertificateSteps,
  wish: Wish,
): Promise<Issued | Unfinished> {
  const ordered = await durable.run("order", (signal) => steps.order(wish, signal));
  if (ordered.kind !== "done") return ordered;
  const proof = await durable.run("prepare proof", (signal) => steps.prepare(wish, signal));
  if (proof.kind !== "proven" && proof.kind !== "prepared") return proof;
  if (proof.kind === "prepared") {
    const end = await prove(durable, steps, { wish, isRecord: proof.isRecord });
    if (end.kind !== "done") return end;
  }
  const finalized = await durable.run("finalize", (signal) => steps.finalize(wish, signal));
  const valid = await settle(durable, finalized, {
    name: "order",
    look: (signal) => steps.lookAtOrder(wish, signal),
  });
  if (valid.kind !== "done") return valid;
  return await durable.run("store", (signal) => steps.store(wish, signal));
}

async function prove(
  durable: DurableObject,
  steps: CertificateSteps,
  { wish, isRecord }: { readonly wish: Wish; readonly isRecord: boolean },
): Promise<Done | Unfinished> {
  if (isRecord) {
    const published = await settle(durable, { kind: "pending", lookAtMs: null }, {
      name: "record",
      look: async (signal) =>
        await steps.isPublished(wish, signal) ? { kind: "done" } : { kind: "pending", lookAtMs: null },
    });
    if (published.kind !== "done") return published;
  }
  const answered = await durable.run("answer", (signal) => steps.answer(wish, signal));
  if (answered.kind !== "done") return answered;
  return await settle(durable, { kind: "pending", lookAtMs: null }, {
    name: "proof",
    look: (signal) => steps.lookAtProof(wish, signal),
  });
}

/** Looks until it is done, or long enough. */
async function settle(
  durable: DurableObject,
  first: Done | Pending | Unfinished,
  { name, look }: {
    readonly name: string;
    readonly look: (signal: AbortSignal) => Promise<Done | Pending | Unfinished>;
  },
): Promise<Done | Unfinished> {
  let state = first;
  for (let looks = 0; state.kind === "pending"; looks++) {
    const { lookAtMs } = state;
    const waitMs = lookAfterMs(looks, { lookAtMs, nowMs: lookAtMs === null ? 0 : await durable.now() });
    if (waitMs === undefined) {
      return { kind: "failed", afterMs: 0, problem: `The ${name} was not settled in time.` };
    }
    await durable.sleep(`wait for ${name} ${looks}`, waitMs);
    state = await durable.run(`look at ${name} ${looks}`, look);
  }
  return state;
}

/** The result of a pass over all certificates. */
export interface Renewed {
  readonly checked: number;
  readonly triggered: number;
  readonly failing: readonly string[];
}

/** Starts what is due: renewals, and attempts whose message was lost. */
export async function renewExpiring(
  durable: DurableObject,
  deps: CertificateWorkflowDeps,
  days: number,
): Promise<Renewed> {
  const { steps } = deps;
  await durable.run("take advice", (signal) => steps.takeAdvice(signal));
  const { checked, orders, failing } = await durable.run("find due", () => steps.due(days));
  const nowMs = await durable.now();
  for (const order of orders) {
    // Another key than that of the message which may be lost; within an hour they are one.
    const idempotencyKey = `${attemptKey(order)}/${Math.floor(nowMs / PERIOD_MS)}`;
    await deps.sendAttempt(durable, order, { delayMs: 0, idempotencyKey });
  }
  return { checked, triggered: orders.length, failing };
}

const PERIOD_MS = 10 * 60_000;
