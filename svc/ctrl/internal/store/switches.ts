/**
 * Moves of live traffic and what the edges say of them. A switch is written in the transaction that moves the traffic, with
 * the edges that are to follow, so that no crash loses it. Reports of edges may come twice: the first one stays.
 */
import { insertIgnore, lockRows } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { listAgents } from "./agents.ts";
import { EDGE_REGION, findRegionVersion } from "./changes.ts";
import type { Queryable, Tx } from "./database.ts";
import type {
  SwitchCause,
  TrafficSwitchEdgesTable,
  TrafficSwitchesTable,
  TrafficSwitchFailuresTable,
} from "./schema_switches.ts";

/** A move of live traffic, whose routes were written in the same transaction. */
export interface NewSwitch {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly environmentSlug: string;
  readonly deploymentId: string;
  readonly previousDeploymentId: string | undefined;
  readonly cause: SwitchCause;
  /** Of a step of a gradual switch, and of its end. */
  readonly gradual?: { readonly id: string; readonly percent?: number | undefined } | undefined;
  readonly nowMs: number;
  /** Edges without a heartbeat since then route nothing any more. */
  readonly edgesSinceMs: number;
}

const EDGES_MAX = 500;

/** Records a switch, and that the environment's former one is superseded. The caller holds the environment's row. */
export async function recordSwitch(tx: Tx, move: NewSwitch): Promise<void> {
  const { environmentId, nowMs } = move;
  await tx.updateTable("traffic_switches").set({ superseded_at: nowMs })
    .where("environment_id", "=", environmentId).where("ended_at", "is", null)
    .where("superseded_at", "is", null).execute();
  const id = newId("trafficSwitch", nowMs);
  await tx.insertInto("traffic_switches").values({
    id,
    workspace_id: move.workspaceId,
    project_id: move.projectId,
    environment_id: environmentId,
    environment_slug: move.environmentSlug,
    deployment_id: move.deploymentId,
    previous_deployment_id: move.previousDeploymentId ?? null,
    cause: move.cause,
    edge_version: await findRegionVersion(tx, EDGE_REGION),
    created_at: nowMs,
    superseded_at: null,
    ended_at: null,
    failed_by_edge: 0,
    failed_by_former: 0,
    failed_by_target: 0,
    gradual_switch_id: move.gradual?.id ?? null,
    percent: move.gradual?.percent ?? null,
  }).execute();
  const edges = await listAgents(tx, { sinceMs: move.edgesSinceMs, region: EDGE_REGION });
  if (edges.length === 0) return;
  await tx.insertInto("traffic_switch_edges").values(
    edges.slice(0, EDGES_MAX).map(({ agent_id, edge_region }) => ({
      switch_id: id,
      agent_id,
      region: edge_region ?? "",
      acknowledged_at: null,
      counted_until: null,
    })),
  ).execute();
}

/** An edge whose table has reached a version. */
export interface EdgeProgress {
  readonly agentId: string;
  readonly appliedVersion: number;
  /** When it got there, by the clock of the control plane. */
  readonly appliedAtMs: number;
}

/** Notes the first acknowledgement of each edge for switches that are open. Index on `ended_at`; one statement without any. */
export async function acknowledgeSwitches(tx: Tx, edges: readonly EdgeProgress[]): Promise<void> {
  if (edges.length === 0) return;
  const waiting = await tx.selectFrom("traffic_switches as s")
    .innerJoin("traffic_switch_edges as e", "e.switch_id", "s.id")
    .select(["e.switch_id", "e.agent_id", "s.edge_version", "s.created_at"])
    .where("s.ended_at", "is", null).where("e.acknowledged_at", "is", null)
    .where("e.agent_id", "in", edges.map(({ agentId }) => agentId))
    .orderBy("e.switch_id").orderBy("e.agent_id").execute();
  const progress = new Map(edges.map((each) => [each.agentId, each]));
  for (const { switch_id, agent_id, edge_version, created_at } of waiting) {
    const edge = progress.get(agent_id);
    if (edge === undefined || edge.appliedVersion < edge_version) continue;
    await tx.updateTable("traffic_switch_edges")
      .set({ acknowledged_at: Math.max(created_at, edge.appliedAtMs) })
      .where("switch_id", "=", switch_id).where("agent_id", "=", agent_id)
      .where("acknowledged_at", "is", null).execute();
  }
}

/** Failed requests that an edge has counted. */
export interface CountedFailures {
  readonly agentId: string;
  readonly countedUntilMs: number;
  readonly slots: readonly {
    readonly deploymentId: string;
    readonly slot: number;
    readonly endedAtMs: number;
    readonly byEdge: number;
    readonly byInstance: number;
  }[];
}

/** Adds an edge's failed requests to the open switches between their deployments; those before a switch are left out. */
export async function countFailures(
  tx: Tx,
  { agentId, countedUntilMs, slots }: CountedFailures,
): Promise<void> {
  const open = await tx.selectFrom("traffic_switches")
    .select(["id", "deployment_id", "previous_deployment_id", "created_at"])
    .where("ended_at", "is", null).orderBy("id").execute();
  const rows: TrafficSwitchFailuresTable[] = open.flatMap((each) => {
    const own = [each.deployment_id, each.previous_deployment_id];
    return slots.filter(({ deploymentId, endedAtMs }) =>
      own.includes(deploymentId) && endedAtMs > each.created_at
    ).map(({ deploymentId, slot, endedAtMs, byEdge, byInstance }) => ({
      switch_id: each.id,
      agent_id: agentId,
      deployment_id: deploymentId,
      slot,
      ended_at: endedAtMs,
      by_edge: byEdge,
      by_instance: byInstance,
    }));
  });
  await insertIgnore(tx, "traffic_switch_failures", rows, ["switch_id", "agent_id", "deployment_id", "slot"]);
  if (open.length === 0) return;
  await tx.updateTable("traffic_switch_edges").set({ counted_until: countedUntilMs })
    .where("switch_id", "in", open.map(({ id }) => id)).where("agent_id", "=", agentId)
    .where((eb) => eb.or([eb("counted_until", "is", null), eb("counted_until", "<", countedUntilMs)]))
    .execute();
}

/** A switch with all that its receipt is made of. */
export interface StoredSwitch {
  readonly row: TrafficSwitchesTable;
  readonly edges: readonly TrafficSwitchEdgesTable[];
  readonly failures: readonly TrafficSwitchFailuresTable[];
}

export interface SwitchFilter {
  readonly workspaceId: string;
  /** `undefined`: all. */
  readonly projectIds: readonly string[] | undefined;
  readonly environmentSlug: string | undefined;
  readonly deploymentId: string | undefined;
  /** Only older ones than this. */
  readonly before: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
}

/** Switches of a workspace, newest first. Indices on (workspace | project | deployment, created_at, id). */
export async function listSwitches(db: Queryable, filter: SwitchFilter): Promise<StoredSwitch[]> {
  const { projectIds, environmentSlug, deploymentId, before } = filter;
  if (projectIds?.length === 0) return [];
  let query = db.selectFrom("traffic_switches").selectAll().where("workspace_id", "=", filter.workspaceId);
  if (projectIds !== undefined) query = query.where("project_id", "in", [...projectIds]);
  if (environmentSlug !== undefined) query = query.where("environment_slug", "=", environmentSlug);
  if (deploymentId !== undefined) query = query.where("deployment_id", "=", deploymentId);
  if (before !== undefined) {
    query = query.where("created_at", "<=", before.createdAt).where((eb) =>
      eb.or([eb("created_at", "<", before.createdAt), eb("id", "<", before.id)])
    );
  }
  const rows = await query.orderBy("created_at", "desc").orderBy("id", "desc").limit(filter.limit).execute();
  return await withReports(db, rows);
}

async function withReports(db: Queryable, rows: readonly TrafficSwitchesTable[]): Promise<StoredSwitch[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const edges = await db.selectFrom("traffic_switch_edges").selectAll().where("switch_id", "in", ids)
    .orderBy("switch_id").orderBy("agent_id").execute();
  const open = rows.filter((each) => each.ended_at === null).map(({ id }) => id);
  const failures = open.length === 0 ? [] : await db.selectFrom("traffic_switch_failures").selectAll()
    .where("switch_id", "in", open).execute();
  return rows.map((row) => ({
    row,
    edges: edges.filter((each) => each.switch_id === row.id),
    failures: failures.filter((each) => each.switch_id === row.id),
  }));
}

/** Ids of open switches from before `beforeMs`, oldest first. Index on `ended_at` and `created_at`. */
export async function listOpenSwitches(
  db: Queryable,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<readonly string[]> {
  const rows = await db.selectFrom("traffic_switches").select("id").where("ended_at", "is", null)
    .where("created_at", "<", beforeMs).orderBy("created_at").limit(limit).execute();
  return rows.map(({ id }) => id);
}

/** The numbers of failed requests in a receipt. */
export type FailedRequests = Pick<
  TrafficSwitchesTable,
  "failed_by_edge" | "failed_by_former" | "failed_by_target"
>;

/** Makes the numbers of an open switch final, and removes the reports that they are made of. */
export async function endSwitch(
  tx: Tx,
  id: string,
  { nowMs, sum }: { readonly nowMs: number; readonly sum: (stored: StoredSwitch) => FailedRequests },
): Promise<void> {
  const query = tx.selectFrom("traffic_switches").selectAll().where("id", "=", id).where(
    "ended_at",
    "is",
    null,
  );
  const row = await lockRows(tx, query).executeTakeFirst();
  // Another process was faster.
  if (row === undefined) return;
  const [stored] = await withReports(tx, [row]);
  if (stored === undefined) return;
  await tx.updateTable("traffic_switches").set({ ...sum(stored), ended_at: nowMs }).where("id", "=", id)
    .execute();
  await tx.deleteFrom("traffic_switch_failures").where("switch_id", "=", id).execute();
}

/** Removes up to `limit` switches from before `beforeMs`, and returns how many. Index on `created_at`. */
export async function deleteSwitches(
  tx: Tx,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<number> {
  const old = await tx.selectFrom("traffic_switches").select("id").where("created_at", "<", beforeMs)
    .orderBy("created_at").limit(limit).execute();
  const ids = old.map(({ id }) => id);
  if (ids.length === 0) return 0;
  await tx.deleteFrom("traffic_switch_failures").where("switch_id", "in", ids).execute();
  await tx.deleteFrom("traffic_switch_edges").where("switch_id", "in", ids).execute();
  await tx.deleteFrom("traffic_switches").where("id", "in", ids).execute();
  return ids.length;
}
