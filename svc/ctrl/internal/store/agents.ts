/** Agents and edges: when each was last heard, and how far it is. */
import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";
import type { AgentsTable } from "./schema.ts";

/** Notes that an agent is alive; how far it is stays as it was. */
export async function touchAgent(
  db: Queryable,
  agent: { readonly agentId: string; readonly region: string; readonly nowMs: number },
): Promise<void> {
  await upsert(db, "agents", [newAgent(agent)], { key: ["agent_id"], update: ["region", "last_seen_at"] });
}

/** What an agent says about itself. */
export interface Acknowledgement {
  readonly agentId: string;
  readonly region: string;
  readonly appliedVersion: number;
  readonly observedVersion: number;
  /** The last change that it could not apply. */
  readonly nack?: { readonly resource: string; readonly error: string };
  readonly nowMs: number;
}

/** Notes how far an agent is; an earlier NACK stays until the next one. */
export async function acknowledge(db: Queryable, ack: Acknowledgement): Promise<void> {
  const row = {
    ...newAgent(ack),
    applied_version: ack.appliedVersion,
    observed_version: ack.observedVersion,
    ...(ack.nack === undefined ? {} : {
      last_nack_resource: ack.nack.resource,
      last_nack_error: ack.nack.error,
      last_nack_at: ack.nowMs,
    }),
  };
  await upsert(db, "agents", [row], {
    key: ["agent_id"],
    update: [
      "region",
      "applied_version",
      "observed_version",
      "last_seen_at",
      ...(ack.nack === undefined ? [] : ["last_nack_resource", "last_nack_error", "last_nack_at"] as const),
    ],
  });
}

function newAgent(agent: { agentId: string; region: string; nowMs: number }): AgentsTable {
  return {
    agent_id: agent.agentId,
    region: agent.region,
    applied_version: 0,
    observed_version: 0,
    last_seen_at: agent.nowMs,
    last_nack_resource: null,
    last_nack_error: null,
    last_nack_at: null,
  };
}

/** Agents heard since `sinceMs`, of one region or of all. Index on region and `last_seen_at`. */
export async function listAgents(
  db: Queryable,
  options: { readonly sinceMs: number; readonly region?: string },
): Promise<AgentsTable[]> {
  let query = db.selectFrom("agents").selectAll().where("last_seen_at", ">=", options.sinceMs);
  if (options.region !== undefined) query = query.where("region", "=", options.region);
  return await query.orderBy("region").orderBy("agent_id").execute();
}

/** Regions with an agent heard since `sinceMs`: those that count for readiness and routing. */
export async function listLiveRegions(db: Queryable, sinceMs: number): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom("agents").select("region").distinct()
    .where("last_seen_at", ">=", sinceMs).execute();
  return new Set(rows.map((row) => row.region));
}

/** Forgets agents that were last heard before `beforeMs`. */
export async function forgetAgents(db: Queryable, beforeMs: number): Promise<number> {
  const { numDeletedRows } = await db.deleteFrom("agents").where("last_seen_at", "<", beforeMs)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
