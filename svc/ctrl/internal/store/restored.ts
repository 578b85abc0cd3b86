/** Changes of restored rows, since apps, agents and edges have gone on after the backup. */
import { sql } from "kysely";
import { ACTIVE_STATUSES } from "../deployments/status.ts";
import type { Tx } from "./database.ts";
import { moveStatus } from "./deployment_status.ts";
import { endStep, listSteps } from "./steps.ts";
import { stopTopology } from "./topology.ts";

const RESTORED = {
  code: "internal",
  message:
    "The platform was restored from a backup that was made before this deployment had ended. Your app is not the cause. " +
    "Deploy it again.",
} as const;
/** Versions within a second. 2^53 is reached in the year 2242. */
const VERSIONS_PER_SECOND = 2 ** 20;

/** A version of the feed above all former ones, also above those of former restores. */
export function restoredVersion(nowMs: number): number {
  return Math.floor(nowMs / 1_000) * VERSIONS_PER_SECOND;
}

/** Ends deployments whose workflows are lost or do not fit the restored rows; returns their ids. */
export async function endUnfinished(tx: Tx, nowMs: number): Promise<readonly string[]> {
  const rows = await tx.selectFrom("deployments").select("id").where("status", "in", [...ACTIVE_STATUSES])
    .orderBy("id").execute();
  for (const { id } of rows) {
    for (const { name, status } of await listSteps(tx, id)) {
      if (status === "running") await endStep(tx, { deploymentId: id, name, status: "failed", nowMs });
    }
    await stopTopology(tx, { deploymentId: id, nowMs });
    await moveStatus(tx, { id, from: ACTIVE_STATUSES, to: "failed", nowMs, failure: RESTORED });
  }
  return rows.map(({ id }) => id);
}

/**
 * Moves every region's feed to `version`, without the changes before it: each agent and edge begins with a snapshot, and
 * does not ignore it as older than its own state.
 */
export async function moveFeedTo(tx: Tx, version: number): Promise<void> {
  await sql`delete from state_changes`.execute(tx);
  await sql`update region_versions set version = ${version}`.execute(tx);
  await sql`update deployment_topology set version = ${version}`.execute(tx);
  await sql`update sentinels set version = ${version}`.execute(tx);
}
