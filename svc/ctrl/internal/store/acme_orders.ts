/** The limits of authorities, spent in one transaction, so that no number of workers spends more. */
import { insertIgnore, lockRows, upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { AcmeOrdersTable } from "./schema_certificates.ts";

/** At most `max` in `windowMs`. */
export interface AcmeLimit {
  readonly max: number;
  readonly windowMs: number;
}

/** The limits of an authority. */
export interface AcmeLimits {
  /** New orders of one account. */
  readonly orders: AcmeLimit;
  /** Certificates under one registered domain. */
  readonly domain: AcmeLimit;
  /** Certificates for the same name. */
  readonly duplicate: AcmeLimit;
  /** Failed proofs of one name. */
  readonly failures: AcmeLimit;
  /** New accounts of one address; `undefined`: as many as one likes. */
  readonly accounts?: AcmeLimit;
}

/** An order that is about to be placed. */
export interface Spending {
  readonly order: Omit<AcmeOrdersTable, "outcome" | "created_at">;
  readonly deadlineMs: number;
  readonly limits: AcmeLimits | undefined;
  readonly nowMs: number;
}

/** The leave to place an order: it counts now, or did so before; or there is no room until a time. */
export type Spent =
  | { readonly kind: "counted" }
  | { readonly kind: "known" }
  | { readonly kind: "full"; readonly untilMs: number };

/**
 * Counts an order before it is placed, unless a limit is spent.
 *
 * The last of a limit are for those who need them most: orders of the same kind that wait and have an earlier deadline
 * are counted as if they were placed. Counting the same attempt twice counts it once.
 */
export async function spendOrder(tx: Tx, spending: Spending): Promise<Spent> {
  const { order, limits, nowMs } = spending;
  const { hostname, attempt, directory_url } = order;
  await lockAcmeDirectory(tx, directory_url, nowMs);
  const known = await tx.selectFrom("acme_orders").select("directory_url").where("hostname", "=", hostname)
    .where("attempt", "=", attempt).executeTakeFirst();
  if (known?.directory_url === directory_url) return { kind: "known" };
  if (limits !== undefined && order.counted === 1) {
    const untilMs = Math.max(...await waits(tx, spending, limits));
    if (untilMs > nowMs) return { kind: "full", untilMs };
  }
  await upsert(tx, "acme_orders", [{ ...order, outcome: "open", created_at: nowMs }], {
    key: ["hostname", "attempt"],
    update: ["directory_url", "counted", "outcome", "created_at"],
  });
  return { kind: "counted" };
}

/** Until the end of the transaction nothing else is spent at the authority. */
export async function lockAcmeDirectory(tx: Tx, directoryUrl: string, nowMs: number): Promise<void> {
  const row = { directory_url: directoryUrl, created_at: nowMs };
  await insertIgnore(tx, "acme_directories", [row], ["directory_url"]);
  const lock = tx.selectFrom("acme_directories").select("directory_url");
  await lockRows(tx, lock.where("directory_url", "=", directoryUrl)).execute();
}

/** Orders that wait for a limit wake together when it has room again. */
const SOON_MS = 60_000;
/** The part of a limit's window after which an order behind others looks again; each look costs a call of its workflow. */
const LOOK_AGAIN_AFTER = 1 / 8;

/** For each limit the time at which it has room; the past when it has some now. */
async function waits(tx: Tx, { order, deadlineMs, nowMs }: Spending, limits: AcmeLimits): Promise<number[]> {
  const since = ({ windowMs }: AcmeLimit) =>
    tx.selectFrom("acme_orders").select("created_at").where("directory_url", "=", order.directory_url)
      .where("counted", "=", 1).where("created_at", ">", nowMs - windowMs).orderBy("created_at", "desc");
  const issued = (limit: AcmeLimit) => since(limit).where("outcome", "!=", "failed");
  const ahead = tx.selectFrom("certificate_orders").select((eb) => eb.fn.countAll<number>().as("count"))
    .where("status", "=", "waiting").where("next_attempt_at", "<=", nowMs + SOON_MS).where(
      "deadline_at",
      "<",
      deadlineMs,
    )
    .where("hostname", "!=", order.hostname);
  const countOf = async (query: typeof ahead): Promise<number> =>
    Number((await query.executeTakeFirst())?.count ?? 0);
  const room = async (
    limit: AcmeLimit,
    query: ReturnType<typeof since>,
    reserved: number,
  ): Promise<number> => {
    const spent = await query.limit(limit.max).execute();
    // Its place among those that wait for a spent one to leave the window, the oldest first.
    const place = reserved - (limit.max - spent.length);
    if (place < 0) return 0;
    const leaves = spent[spent.length - 1 - place]?.created_at ?? nowMs;
    const untilMs = leaves + limit.windowMs;
    // Those ahead may give up, so it looks again before.
    return reserved === 0 ? untilMs : Math.min(untilMs, nowMs + limit.windowMs * LOOK_AGAIN_AFTER);
  };
  const sameDomain = ahead.where("registered_domain", "=", order.registered_domain);
  return [
    await room(
      limits.orders,
      since(limits.orders).where("workspace_id", "=", order.workspace_id),
      await countOf(ahead.where("workspace_id", "=", order.workspace_id)),
    ),
    await room(
      limits.domain,
      issued(limits.domain).where("registered_domain", "=", order.registered_domain),
      await countOf(sameDomain),
    ),
    await room(limits.duplicate, issued(limits.duplicate).where("hostname", "=", order.hostname), 0),
    await room(
      limits.failures,
      since(limits.failures).where("hostname", "=", order.hostname).where("outcome", "=", "failed"),
      0,
    ),
  ];
}

/** Names that a workspace has ordered certificates for, or wants them for, since then, but for renewals; the first one first. */
export async function certificateNamesSince(
  db: Queryable,
  workspaceId: string,
  sinceMs: number,
): Promise<{ hostname: string; created_at: number }[]> {
  const ordered = await db.selectFrom("acme_orders")
    .select((eb) => ["hostname", eb.fn.min<number>("created_at").as("created_at")])
    .where("workspace_id", "=", workspaceId).where("created_at", ">", sinceMs).where("counted", "=", 1)
    .groupBy("hostname").execute();
  const wanted = await db.selectFrom("certificate_orders").select(["hostname", "created_at"])
    .where("workspace_id", "=", workspaceId).where("created_at", ">", sinceMs).execute();
  const first = new Map<string, number>();
  for (const { hostname, created_at: atMs } of [...ordered, ...wanted]) {
    first.set(hostname, Math.min(Number(atMs), first.get(hostname) ?? Number(atMs)));
  }
  return [...first].map(([hostname, created_at]) => ({ hostname, created_at }))
    .toSorted((a, b) => a.created_at - b.created_at);
}

/** Notes how an order ended. */
export async function endAcmeOrder(
  db: Queryable,
  { hostname, attempt }: Pick<AcmeOrdersTable, "hostname" | "attempt">,
  outcome: "issued" | "failed",
): Promise<void> {
  await db.updateTable("acme_orders").set({ outcome }).where("hostname", "=", hostname)
    .where("attempt", "=", attempt).execute();
}

/** An order that was counted and not placed does not count. */
export async function forgetAcmeOrder(
  db: Queryable,
  { hostname, attempt }: Pick<AcmeOrdersTable, "hostname" | "attempt">,
): Promise<void> {
  await db.deleteFrom("acme_orders").where("hostname", "=", hostname).where("attempt", "=", attempt)
    .execute();
}

/** Forgets up to `limit` orders from before `beforeMs`, which no limit counts any more. Index on `created_at`. */
export async function deleteOldAcmeOrders(
  db: Queryable,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<void> {
  const old = await db.selectFrom("acme_orders").select(["hostname", "attempt"])
    .where("created_at", "<", beforeMs).orderBy("created_at").limit(limit).execute();
  for (const { hostname, attempt } of old) await forgetAcmeOrder(db, { hostname, attempt });
}
