/** Changes of restored rows, since apps, agents and edges have gone on after the backup. */
import { sql } from "kysely";
import { ACTIVE_STATUSES } from "../deployments/status.ts";
import { recordAudit } from "./audit.ts";
import { revokeRegionToken } from "./credentials.ts";
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

/** Credentials that are good. */
export interface ValidCredentials {
  readonly rootKeys: number;
  readonly regionTokens: number;
}

/** A backup has none of the revocations after it, so that an operator looks at them again. */
export async function countValidCredentials(tx: Tx): Promise<ValidCredentials> {
  const [keys] = await tx.selectFrom("root_keys").select(({ fn }) => fn.countAll<number>().as("count"))
    .where("revoked_at", "is", null).execute();
  const [tokens] = await tx.selectFrom("region_tokens").select(({ fn }) => fn.countAll<number>().as("count"))
    .where("revoked_at", "is", null).execute();
  return { rootKeys: Number(keys?.count ?? 0), regionTokens: Number(tokens?.count ?? 0) };
}

/** Revokes the tokens of all agents and edges; returns their number. */
export async function revokeRegionTokens(tx: Tx, nowMs: number): Promise<number> {
  const tokens = await tx.selectFrom("region_tokens").select(["id", "region"]).where("revoked_at", "is", null)
    .orderBy("id").execute();
  for (const { id, region } of tokens) {
    await revokeRegionToken(tx, { id, nowMs });
    await recordAudit(tx, {
      workspaceId: "",
      actor: { kind: "system", name: "restore" },
      action: "region_token.revoke",
      resource: { type: "region_token", id },
      facts: { region },
      nowMs,
    });
  }
  return tokens.length;
}
