/** Certificates and orders that something is to be done about. */
import type { Queryable } from "./database.ts";
import type { CertificateOrdersTable, CertificatesTable } from "./schema_certificates.ts";

/** Orders without a worker: due since before `dueBeforeMs`, or under way and silent since before `silentSinceMs`. */
export async function listOverdueOrders(
  db: Queryable,
  { dueBeforeMs, silentSinceMs, limit }: {
    readonly dueBeforeMs: number;
    readonly silentSinceMs: number;
    readonly limit: number;
  },
): Promise<CertificateOrdersTable[]> {
  return await db.selectFrom("certificate_orders").selectAll()
    .where((eb) =>
      eb.or([
        eb.and([eb("status", "=", "waiting"), eb("next_attempt_at", "<=", dueBeforeMs)]),
        eb.and([eb("status", "in", ["ordering", "cancelled"]), eb("updated_at", "<=", silentSinceMs)]),
      ])
    ).orderBy("deadline_at").limit(limit).execute();
}

/** Certificates to renew now whose order is at rest, the first to end first. */
export async function listCertificatesToRenew(
  db: Queryable,
  { nowMs, endsBeforeMs, limit }: {
    readonly nowMs: number;
    readonly endsBeforeMs: number;
    readonly limit: number;
  },
): Promise<CertificateOrdersTable[]> {
  return await db.selectFrom("certificate_orders").selectAll("certificate_orders")
    .innerJoin("certificates", "certificates.hostname", "certificate_orders.hostname")
    .where("status", "=", "issued")
    .where((eb) => eb.or([eb("renew_at", "<=", nowMs), eb("not_after", "<=", endsBeforeMs)]))
    .orderBy("not_after").limit(limit).execute();
}

/** Certificates whose authority is to be asked when to renew them. */
export async function listCertificatesForAdvice(
  db: Queryable,
  { nowMs, limit }: { readonly nowMs: number; readonly limit: number },
): Promise<CertificatesTable[]> {
  return await db.selectFrom("certificates").selectAll().where("advice_at", "<=", nowMs)
    .where("renewal_id", "!=", "").orderBy("advice_at").limit(limit).execute();
}

/** The number of certificates that edges use. */
export async function countCertificates(db: Queryable): Promise<number> {
  const { count } = await db.selectFrom("certificates").select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** A host name whose certificate is not there, or is being renewed. */
export interface OpenOrder {
  readonly hostname: string;
  readonly workspaceId: string;
  /** `undefined`: there has been none yet. */
  readonly notAfterMs: number | undefined;
  readonly renewAtMs: number | undefined;
  readonly failures: number;
  readonly wantedSinceMs: number;
  readonly nextAttemptAtMs: number;
  readonly problem: string | undefined;
}

/** Orders that are not issued, of these workspaces or all, with the certificate that is used meanwhile; the first to end first. */
export async function listOpenOrders(
  db: Queryable,
  { limit, workspaceIds }: { readonly limit: number; readonly workspaceIds?: readonly string[] },
): Promise<OpenOrder[]> {
  if (workspaceIds?.length === 0) return [];
  let query = db.selectFrom("certificate_orders")
    .leftJoin("certificates", "certificates.hostname", "certificate_orders.hostname")
    .select([
      "certificate_orders.hostname",
      "certificate_orders.workspace_id",
      "certificate_orders.created_at",
      "not_after",
      "renew_at",
      "failures",
      "next_attempt_at",
      "problem",
    ]).where("status", "in", ["waiting", "ordering"]).orderBy("deadline_at").limit(limit);
  if (workspaceIds !== undefined) {
    query = query.where("certificate_orders.workspace_id", "in", [...workspaceIds]);
  }
  const rows = await query.execute();
  return rows.map((row) => ({
    hostname: row.hostname,
    workspaceId: row.workspace_id,
    notAfterMs: row.not_after ?? undefined,
    renewAtMs: row.renew_at ?? undefined,
    failures: row.failures,
    wantedSinceMs: row.created_at,
    nextAttemptAtMs: row.next_attempt_at,
    problem: row.problem ?? undefined,
  }));
}

/** Names of one look at the wishes of a workspace. */
const NAMES_PER_LOOK = 200;

/**
 * Up to `limit` host names of a workspace's wishes that lead to no deployment, or to one that is stopped, in their order.
 * Wildcards are no host names. Page by page, because names and deployments may be on different shards. By primary keys and
 * the unique index on a route's name.
 */
export async function listUnusedOrders(
  db: Queryable,
  { workspaceId, except, limit }: {
    readonly workspaceId: string;
    readonly except: readonly string[];
    readonly limit: number;
  },
): Promise<string[]> {
  const left = new Set(except);
  const found: string[] = [];
  let after: string | undefined = "";
  while (after !== undefined && found.length < limit) {
    const names = await pageWishes(db, workspaceId, after);
    const used = await listUsedNames(db, names);
    found.push(...names.filter((name) => !used.has(name) && !left.has(name)));
    after = names.length < NAMES_PER_LOOK ? undefined : names.at(-1);
  }
  return found.slice(0, limit);
}

async function pageWishes(db: Queryable, workspaceId: string, after: string): Promise<readonly string[]> {
  const rows = await db.selectFrom("certificate_orders").select("hostname")
    .where("workspace_id", "=", workspaceId).where("hostname", ">", after).where("status", "!=", "cancelled")
    .where("hostname", "not like", "*.%").orderBy("hostname").limit(NAMES_PER_LOOK).execute();
  return rows.map(({ hostname }) => hostname);
}

/** Those of the names that lead to a deployment which is not stopped. */
async function listUsedNames(db: Queryable, names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const rows = await db.selectFrom("frontline_routes as r").innerJoin(
    "deployments as d",
    "d.id",
    "r.deployment_id",
  )
    .select("r.hostname").where("r.hostname", "in", [...names]).where("d.status", "!=", "stopped").execute();
  return new Set(rows.map(({ hostname }) => hostname));
}
