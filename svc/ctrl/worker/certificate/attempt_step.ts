/** The beginning and the bad end of an attempt. */
import { transact } from "../../../../pkg/db/mod.ts";
import {
  type CertificateOrdersTable,
  deleteCancelledOrder,
  endAcmeOrder,
  findCertificate,
  findCertificateOrder,
  lockCertificateOrder,
  type Tx,
  updateCertificateOrder,
} from "../../internal/store/mod.ts";
import type { CertificateDeps } from "./deps.ts";
import { afterLimitMs, retryAfterMs } from "./plan.ts";
import type { Begun, Unfinished, Wish } from "./types.ts";

/** A message with a delay may come this much before its time. */
const EARLY_MS = 1_000;

/** Starts an attempt, or goes on with the one that a crash left. */
export async function beginAttempt({ db, clock }: CertificateDeps, hostname: string): Promise<Begun> {
  const nowMs = clock.now();
  return await transact(db, async (tx): Promise<Begun> => {
    const row = await lockCertificateOrder(tx, hostname);
    if (row === undefined) return { kind: "unwanted" };
    const { attempt, challenge_type: challenge, status } = row;
    if (status === "cancelled") return { kind: "cancelled", attempt };
    if (status === "ordering") return { kind: "begun", attempt, challenge };
    const certificate = await findCertificate(tx, hostname);
    if (status === "issued" && certificate !== undefined && certificate.renew_at > nowMs) {
      return { kind: "current", certificateId: certificate.id };
    }
    if (status === "waiting" && row.next_attempt_at > nowMs + EARLY_MS) return { kind: "early" };
    await updateCertificateOrder(tx, hostname, {
      status: "ordering",
      attempt: attempt + 1,
      deadline_at: certificate?.not_after ?? row.created_at,
      updated_at: nowMs,
    });
    return { kind: "begun", attempt: attempt + 1, challenge };
  });
}

/** Notes why an attempt came to nothing. Returns the wait until the next one; `null`: it is not wanted any more. */
export async function failAttempt(
  deps: CertificateDeps,
  { wish, end }: { readonly wish: Wish; readonly end: Unfinished },
  signal: AbortSignal,
): Promise<number | null> {
  const { db, clock, log } = deps;
  if (end.kind === "refused") await abandon(deps, wish, signal);
  const nowMs = clock.now();
  const next = await transact(db, (tx) => noteFailure(tx, { wish, end, nowMs }));
  if (next === undefined) return null;
  const { failures, next_attempt_at: nextAtMs, problem } = next;
  const { hostname } = wish;
  log.warn("certificate not issued", { hostname, kind: end.kind, problem, failures, nextAtMs });
  return Math.max(0, nextAtMs - nowMs);
}

async function noteFailure(
  tx: Tx,
  { wish, end, nowMs }: { readonly wish: Wish; readonly end: Unfinished; readonly nowMs: number },
): Promise<CertificateOrdersTable | undefined> {
  const row = await lockCertificateOrder(tx, wish.hostname);
  if (row === undefined || row.status === "cancelled" || end.kind === "unwanted") return undefined;
  // An earlier run of this very step committed and was not recorded.
  if (row.status !== "ordering" || row.attempt !== wish.attempt) return row;
  const failures = end.kind === "limited" ? row.failures : row.failures + 1;
  const nextAtMs = nextAttemptAtMs(end, { failures, nowMs });
  const changes = {
    status: "waiting" as const,
    failures,
    problem: end.problem,
    next_attempt_at: nextAtMs,
    limited_until: end.kind === "limited" ? nextAtMs : 0,
    updated_at: nowMs,
    // An order that was refused is over, and the next one has a key of its own.
    ...(end.kind === "refused" ? { order_url: null, directory_url: null, encrypted_key: null } : {}),
  };
  if (end.kind === "refused") await endAcmeOrder(tx, wish, "failed");
  await updateCertificateOrder(tx, wish.hostname, changes);
  return { ...row, ...changes };
}

function nextAttemptAtMs(
  end: Exclude<Unfinished, { kind: "unwanted" }>,
  { failures, nowMs }: { readonly failures: number; readonly nowMs: number },
): number {
  if (end.kind === "limited") return afterLimitMs(end.untilMs, nowMs);
  const atLeastMs = end.kind === "failed" ? end.afterMs : 0;
  return nowMs + retryAfterMs(failures, { atLeastMs, spread: (nowMs % 1_000) / 1_000 });
}

/** Gives up what a cancelled wish left at its authority, and forgets it. */
export async function forgetWish(deps: CertificateDeps, wish: Wish, signal: AbortSignal): Promise<void> {
  await abandon(deps, wish, signal);
  await deleteCancelledOrder(deps.db.kysely, wish.hostname);
}

/** Without regard to the answer: an order that is not given up ends by itself after some days. */
async function abandon({ db, authorities }: CertificateDeps, wish: Wish, signal: AbortSignal): Promise<void> {
  const row = await findCertificateOrder(db.kysely, wish.hostname);
  if (row === undefined || row.directory_url === null || row.order_url === null) return;
  const { order_url: url } = row;
  const authority = authorities.find(row.directory_url);
  if (authority === undefined) return;
  const membership = { workspaceId: row.workspace_id, authority };
  await authorities.call(membership, signal, (account) => authority.abandon(account, url, signal));
}
