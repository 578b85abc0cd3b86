/** Heartbeats of agents and edges, with the progress of each in its feed. */
import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { AgentsTable } from "./schema.ts";

/** One heartbeat. */
export interface HeardAgent {
  readonly agentId: string;
  readonly region: string;
  /** Versions that it has applied and observed; absent: a bare heartbeat. */
  readonly progress?: {
    readonly appliedVersion: number;
    readonly observedVersion: number;
    /** Where an edge runs. */
    readonly edgeRegion?: string;
    /** Since when an edge's table is at this version. */
    readonly appliedAtMs?: number;
  };
  /** The additions to its feed that an edge knows; absent: it has not said. */
  readonly feedRevision?: number;
  /** A change that it could not apply. */
  readonly nack?: { readonly resource: string; readonly error: string };
  readonly nowMs: number;
}

/**
 * Stores one heartbeat per agent. Progress and last NACK stay as they were when a heartbeat has none. At most three
 * statements.
 */
export async function recordAgents(tx: Tx, heartbeats: readonly HeardAgent[]): Promise<void> {
  // In one order everywhere, so that two processes do not wait for each other.
  const rows = heartbeats.toSorted((a, b) => a.agentId < b.agentId ? -1 : 1).map((each) => ({
    each,
    row: rowOf(each),
  }));
  const groups = [
    { rows: rows.filter(({ each }) => each.nack !== undefined), update: [...PROGRESS, ...NACK] },
    {
      rows: rows.filter(({ each }) => each.nack === undefined && each.progress !== undefined),
      update: PROGRESS,
    },
    { rows: rows.filter(({ each }) => each.nack === undefined && each.progress === undefined), update: SIGN },
  ];
  for (const group of groups) {
    const { update } = group;
    await upsert(tx, "agents", group.rows.map(({ row }) => row), { key: ["agent_id"], update });
  }
}

const SIGN = ["region", "last_seen_at", "feed_revision"] as const;
const PROGRESS = [...SIGN, "applied_version", "observed_version", "edge_region"] as const;
const NACK = ["last_nack_resource", "last_nack_error", "last_nack_at"] as const;

function rowOf({ agentId, region, progress, feedRevision, nack, nowMs }: HeardAgent): AgentsTable {
  return {
    agent_id: agentId,
    region,
    applied_version: progress?.appliedVersion ?? 0,
    observed_version: progress?.observedVersion ?? 0,
    last_seen_at: nowMs,
    last_nack_resource: nack?.resource ?? null,
    last_nack_error: nack?.error ?? null,
    last_nack_at: nack === undefined ? null : nowMs,
    edge_region: progress?.edgeRegion ?? null,
    feed_revision: feedRevision ?? 0,
  };
}

/** Agents with a heartbeat since `sinceMs`, of one region or of all. Index on region and `last_seen_at`. */
export async function listAgents(
  db: Queryable,
  options: { readonly sinceMs: number; readonly region?: string },
): Promise<AgentsTable[]> {
  let query = db.selectFrom("agents").selectAll().where("last_seen_at", ">=", options.sinceMs);
  if (options.region !== undefined) query = query.where("region", "=", options.region);
  return await query.orderBy("region").orderBy("agent_id").execute();
}

/** Regions with a heartbeat since `sinceMs`: they count for readiness and routing. */
export async function listLiveRegions(db: Queryable, sinceMs: number): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom("agents").select("region").distinct()
    .where("last_seen_at", ">=", sinceMs).execute();
  return new Set(rows.map((row) => row.region));
}

/** Agents whose last heartbeat was before `beforeMs`, oldest first. Index on `last_seen_at`. */
export async function listStaleAgents(
  db: Queryable,
  options: { readonly beforeMs: number; readonly limit: number },
): Promise<Pick<AgentsTable, "agent_id" | "region" | "last_seen_at">[]> {
  return await db.selectFrom("agents").select(["agent_id", "region", "last_seen_at"])
    .where("last_seen_at", "<", options.beforeMs).orderBy("last_seen_at").limit(options.limit).execute();
}

/** Deletes these agents, unless they had a heartbeat since `beforeMs`. */
export async function forgetAgents(
  db: Queryable,
  options: { readonly agentIds: readonly string[]; readonly beforeMs: number },
): Promise<number> {
  if (options.agentIds.length === 0) return 0;
  const { numDeletedRows } = await db.deleteFrom("agents").where("agent_id", "in", [...options.agentIds])
    .where("last_seen_at", "<", options.beforeMs).executeTakeFirst();
  return Number(numDeletedRows);
}
