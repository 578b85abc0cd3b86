/** Forgets what was reported of placements that were stopped, as a stop itself does from here on. */
import { type Kysely, sql } from "kysely";
import type { Schema } from "../schema.ts";
import type { Migration } from "./migration.ts";

export const stoppedInstances: Migration = {
  name: "0011_stopped_instances",
  async up(db) {
    // The edges learn it in the same transaction: they may know addresses that are somebody else's now.
    if (db.isTransaction) await forget(db);
    else await db.transaction().execute(forget);
  },
};

const OF_STOPPED = sql`exists (select 1 from deployment_topology
  where deployment_topology.deployment_id = instances.deployment_id
    and deployment_topology.region = instances.region
    and deployment_topology.desired_status = 'stopped')`;

async function forget(tx: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ id: string }>`select distinct deployment_id as id from instances
    where ${OF_STOPPED} order by id`.execute(tx);
  if (rows.length === 0) return;
  await sql`update region_versions set version = version + ${rows.length} where region = '*'`.execute(tx);
  for (const [index, { id }] of rows.entries()) {
    await sql`insert into state_changes (region, version, resource_type, resource_id, created_at)
      select '*', version - ${rows.length - 1 - index}, 'endpoints', ${id},
        (select max(updated_at) from deployment_topology)
      from region_versions where region = '*'`.execute(tx);
    // What a deployment is shown with changes too.
    await sql`insert into shown_revisions (deployment_id, revision)
      select ${id}, 0 from region_versions where region = '*'
        and not exists (select 1 from shown_revisions where deployment_id = ${id})`.execute(tx);
    await sql`update shown_revisions set revision = revision + 1 where deployment_id = ${id}`.execute(tx);
  }
  await sql`delete from instances where ${OF_STOPPED}`.execute(tx);
}
