/** Instances as the agents report them. */
import { lockRows, upsert } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { appendChanges, EDGE_REGION } from "./changes.ts";
import type { Queryable, Tx } from "./database.ts";
import { changesBetween } from "./instance_changes.ts";
import { recordInstanceEvents } from "./instance_events.ts";
import type { InstancesTable } from "./schema.ts";
import { recordTasks, type ReportedTask } from "./tasks.ts";
import { bumpViewRevision } from "./views/revisions.ts";

/** One instance as reported. */
export type ReportedInstance = Pick<
  InstancesTable,
  | "k8s_name"
  | "address"
  | "cpu_millicores"
  | "memory_mib"
  | "status"
  | "reason"
  | "message"
  | "exit_code"
  | "restarts"
  | "last_log_lines"
  | "last_end"
>;

/** A region's whole view of one deployment. */
export interface InstanceReport {
  readonly deploymentId: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly region: string;
  /** Grows with every report; 0 for clients that do not count, whose reports are taken as they come. */
  readonly generation: number;
  readonly instances: readonly ReportedInstance[];
  /** The commands that it runs once for the deployment. */
  readonly tasks?: readonly ReportedTask[];
  readonly nowMs: number;
}

export type ReportOutcome =
  /** The deployment has never been placed in the region. */
  | { readonly kind: "unplaced" }
  /** A newer report was taken before. */
  | { readonly kind: "stale"; readonly newerGeneration: number }
  | {
    readonly kind: "taken";
    /** True when a row differs from before. */
    readonly changed: boolean;
    /** True when the set of endpoints changed; the change of the edges' feed is appended already. */
    readonly endpointsChanged: boolean;
    /** True when a run has ended: the caller announces the placement in the same transaction. */
    readonly isRunOver: boolean;
  };

/**
 * Makes the rows of this deployment in this region equal to the report, unless a newer one was taken. Of a stopped
 * placement there are no rows, whatever is still on its way out.
 *
 * Reports of one deployment and region take turns on the placement's row. When the set of addresses that take requests
 * changes, the same transaction appends a change of the edges' feed.
 */
export async function replaceReported(tx: Tx, report: InstanceReport): Promise<ReportOutcome> {
  const { deploymentId, region, nowMs } = report;
  const turn = await takeTurn(tx, report);
  if (turn.kind !== "taken") return turn;
  const tasks = await recordTasks(tx, { ...report, tasks: report.tasks ?? [] });

  const before = await tx.selectFrom("instances").selectAll()
    .where("deployment_id", "=", deploymentId).where("region", "=", region).execute();
  const known = new Map(before.map((row) => [row.k8s_name, row]));
  const wanted = report.instances.length > 0 && await isStarted(tx, report);
  const rows = (wanted ? unique(report.instances) : []).map((instance): InstancesTable => {
    const row = known.get(instance.k8s_name);
    return {
      ...instance,
      // An agent that was restarted does not know the end of before.
      last_end: instance.last_end ?? row?.last_end ?? null,
      trouble_since: troubleSince(row, instance, nowMs),
      id: row?.id ?? newId("instance", nowMs),
      deployment_id: deploymentId,
      workspace_id: report.workspaceId,
      project_id: report.projectId,
      region,
      created_at: row?.created_at ?? nowMs,
      updated_at: nowMs,
    };
  });
  const changed = rows.filter((row) => differs(known.get(row.k8s_name), row));
  await recordInstanceEvents(tx, report, changesBetween(before, rows, nowMs));
  const kept = new Set(rows.map((row) => row.k8s_name));
  const gone = before.filter((row) => !kept.has(row.k8s_name));
  if (gone.length > 0) {
    await tx.deleteFrom("instances").where("deployment_id", "=", deploymentId)
      .where("id", "in", gone.map((row) => row.id)).execute();
  }
  // A name that another deployment's instance had before is now this one's.
  const fresh = changed.filter((row) => !known.has(row.k8s_name)).map((row) => row.k8s_name);
  const losers = await takeNames(tx, region, fresh);
  await upsert(tx, "instances", changed, { key: ["region", "k8s_name"], update: UPDATED });

  const endpointsChanged = endpointSet(before) !== endpointSet(rows);
  if (endpointsChanged) {
    await appendChanges(tx, EDGE_REGION, [{ resourceType: "endpoints", resourceId: deploymentId }], nowMs);
  }
  const effects = { endpointsChanged, isRunOver: tasks.isRunOver };
  if (changed.length + gone.length === 0) return { kind: "taken", changed: tasks.changed, ...effects };
  await bumpViewRevision(tx, [deploymentId, ...losers]);
  return { kind: "taken", changed: true, ...effects };
}

/**
 * Removes the instances of other deployments that have these names until now, and returns those deployments. They are not
 * changed in place: the row of another workspace may be in another shard. Unique index on region and name.
 */
async function takeNames(tx: Tx, region: string, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const query = tx.selectFrom("instances").select(["id", "deployment_id"]).where("region", "=", region)
    .where("k8s_name", "in", [...names]).orderBy("k8s_name");
  const rows = await lockRows(tx, query).execute();
  for (const { id, deployment_id } of rows) {
    await tx.deleteFrom("instances").where("deployment_id", "=", deployment_id).where("id", "=", id)
      .execute();
  }
  return rows.map((row) => row.deployment_id);
}

const COMPARED = [
  "address",
  "cpu_millicores",
  "memory_mib",
  "status",
  "reason",
  "message",
  "exit_code",
  "restarts",
  "last_log_lines",
  "last_end",
] as const;

const UPDATED = [
  ...COMPARED,
  "trouble_since",
  "updated_at",
] as const;

function troubleSince(
  before: InstancesTable | undefined,
  { reason }: ReportedInstance,
  nowMs: number,
): number | null {
  if (reason === "") return null;
  return before?.reason === reason ? before.trouble_since : nowMs;
}

/** Locks the placement and moves its generation on. */
async function takeTurn(
  tx: Tx,
  report: InstanceReport,
): Promise<{ readonly kind: "taken" } | Exclude<ReportOutcome, { kind: "taken" }>> {
  const { deploymentId, region, generation } = report;
  const update = tx.updateTable("deployment_topology")
    .where("deployment_id", "=", deploymentId).where("region", "=", region);
  // Writing the row, even with its own value, is what locks it on both databases.
  const { numUpdatedRows } = generation === 0
    ? await update.set((eb) => ({ reported_generation: eb.ref("reported_generation") })).executeTakeFirst()
    : await update.set({ reported_generation: generation })
      .where("reported_generation", "<", generation).executeTakeFirst();
  if (numUpdatedRows > 0n) return { kind: "taken" };
  const placed = await tx.selectFrom("deployment_topology").select("reported_generation")
    .where("deployment_id", "=", deploymentId).where("region", "=", region).executeTakeFirst();
  return placed === undefined
    ? { kind: "unplaced" }
    : { kind: "stale", newerGeneration: placed.reported_generation };
}

/** By primary key. The row is locked: no other transaction stops or starts it meanwhile. */
async function isStarted(tx: Tx, { deploymentId, region }: InstanceReport): Promise<boolean> {
  const row = await tx.selectFrom("deployment_topology").select("desired_status")
    .where("deployment_id", "=", deploymentId).where("region", "=", region).executeTakeFirst();
  return row?.desired_status === "started";
}

/**
 * Deletes the reported instances of the deployment in these regions, whose placements are locked. When one of them took
 * requests, the same transaction appends a change of the edges' feed.
 */
export async function forgetInstances(
  tx: Tx,
  options: { readonly deploymentId: string; readonly regions: readonly string[]; readonly nowMs: number },
): Promise<void> {
  const { deploymentId, regions, nowMs } = options;
  const rows = (await listInstances(tx, deploymentId)).filter((row) => regions.includes(row.region));
  if (rows.length === 0) return;
  await tx.deleteFrom("instances").where("deployment_id", "=", deploymentId)
    .where("id", "in", rows.map((row) => row.id)).execute();
  if (endpointSet(rows) === "") return;
  await appendChanges(tx, EDGE_REGION, [{ resourceType: "endpoints", resourceId: deploymentId }], nowMs);
}

/** A report that names an instance twice counts the last. */
function unique(instances: readonly ReportedInstance[]): ReportedInstance[] {
  return [...new Map(instances.map((each) => [each.k8s_name, each])).values()];
}

function differs(before: InstancesTable | undefined, after: InstancesTable): boolean {
  return before === undefined || COMPARED.some((column) => before[column] !== after[column]);
}

/** Takes requests: running, and with an address. */
function endpointSet(rows: readonly InstancesTable[]): string {
  return rows.filter((row) => row.status === "running" && row.address !== "")
    .map((row) => `${row.k8s_name} ${row.address}`).sort().join("\n");
}

/** All instances of the deployment in all regions. Index on deployment and region. */
export async function listInstances(db: Queryable, deploymentId: string): Promise<InstancesTable[]> {
  return await db.selectFrom("instances").selectAll()
    .where("deployment_id", "=", deploymentId).orderBy("region").orderBy("k8s_name").execute();
}

/** Counts the running instances of the deployment. Index on deployment and region. */
export async function countRunningInstances(db: Queryable, deploymentId: string): Promise<number> {
  const row = await db.selectFrom("instances").select((eb) => eb.fn.countAll<number>().as("count"))
    .where("deployment_id", "=", deploymentId).where("status", "=", "running").executeTakeFirst();
  return row?.count ?? 0;
}
