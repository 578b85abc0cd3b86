/** The order that an attempt works on, and answers of its authority as ends of the attempt. */
import type { Account, Authority, Failure, Outcome } from "../../../../pkg/acme/mod.ts";
import { type CertificateOrdersTable, findCertificateOrder } from "../../internal/store/mod.ts";
import type { CertificateDeps } from "./deps.ts";
import type { Unfinished, Wish } from "./types.ts";

const PROBLEM_CHARACTERS_MAX = 900;

/** An order at its authority. */
export interface CurrentOrder {
  readonly row: CertificateOrdersTable;
  readonly orderUrl: string;
  readonly authority: Authority;
}

/** The order that the attempt has placed, or the end of an attempt without one. */
export async function currentOrder(
  { db, authorities }: CertificateDeps,
  wish: Wish,
): Promise<CurrentOrder | Unfinished> {
  const row = await findCertificateOrder(db.kysely, wish.hostname);
  if (row === undefined || !isRunning(row, wish)) return { kind: "unwanted" };
  const authority = row.directory_url === null ? undefined : authorities.find(row.directory_url);
  if (authority === undefined || row.order_url === null) {
    return { kind: "failed", afterMs: 0, problem: "The order is gone; another one is placed." };
  }
  return { row, authority, orderUrl: row.order_url };
}

/** True for the attempt that runs. */
export function isRunning(row: CertificateOrdersTable, { attempt }: Wish): boolean {
  return row.attempt === attempt && row.status === "ordering";
}

export function isUnfinished(value: object): value is Unfinished {
  return "kind" in value;
}

/** Calls the order's authority with the account of its workspace. */
export async function callFor<T>(
  { authorities }: CertificateDeps,
  { row, authority }: CurrentOrder,
  signal: AbortSignal,
  work: (authority: Authority, account: Account) => Promise<Outcome<T>>,
): Promise<{ readonly kind: "ok"; readonly value: T } | Unfinished> {
  const membership = { workspaceId: row.workspace_id, authority };
  const outcome = await authorities.call(membership, signal, (account) => work(authority, account));
  return outcome.kind === "ok" ? outcome : endOf(outcome, authority);
}

/** The end of an attempt at an authority that failed it. */
export function endOf(failure: Failure, { directoryUrl }: Authority): Unfinished {
  const host = new URL(directoryUrl).host;
  switch (failure.kind) {
    case "rate_limited":
      return {
        kind: "limited",
        untilMs: failure.untilMs,
        problem: problemText(`${host} limits orders`, failure.detail),
      };
    case "refused":
      return { kind: "refused", problem: problemText(`${host} refused`, failure.detail) };
    case "retry":
      return {
        kind: "failed",
        afterMs: failure.afterMs,
        problem: problemText(`${host} did not do its part`, failure.detail),
      };
  }
}

/** A public text; details come from the authority and are about the name. */
export function problemText(what: string, detail: string): string {
  return `${what}: ${detail}`.slice(0, PROBLEM_CHARACTERS_MAX);
}
