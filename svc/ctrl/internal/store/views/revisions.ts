/** Counts changes of the rows that a deployment's view has beside its own row: topology, routes and instances. */
import { sql } from "kysely";
import { dialectOf } from "../../../../../pkg/db/mod.ts";
import type { Tx } from "../database.ts";

/**
 * Makes earlier answers about these deployments outdated. Must be in the transaction that writes their topology, routes
 * or instances. The cells of the row itself are compared, and steps are events, which the row counts.
 *
 * Call it after the changes of the feed: then a transaction that holds a count waits for none that wants it. Reports count in rows
 * of their own and not in the deployment's, which workflows hold.
 */
export async function bumpViewRevision(tx: Tx, deploymentIds: Iterable<string>): Promise<void> {
  // All transactions lock counts in this order, so no two wait for each other.
  const ids = [...new Set(deploymentIds)].sort();
  if (ids.length === 0) return;
  const add = sql`revision = ${sql.ref("shown_revisions.revision")} + 1`;
  const ending = dialectOf(tx) === "mysql"
    ? sql`on duplicate key update ${add}`
    : sql`on conflict (deployment_id) do update set ${add}`;
  await sql`insert into shown_revisions (deployment_id, revision)
    values ${sql.join(ids.map((id) => sql`(${id}, 1)`))} ${ending}`.execute(tx);
}
