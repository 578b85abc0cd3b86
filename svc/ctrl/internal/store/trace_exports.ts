/**
 * The way of traces to a collector. `export_at` of a trace is a queue: the time from which a worker may take it, and null when
 * nothing is to be sent any more. A worker that takes it puts the time off, so that another one takes it if the first dies.
 */
import type { Queryable } from "./database.ts";
import type { DeploymentTracesTable } from "./schema_traces.ts";

/** A trace that a worker has taken. */
export interface ClaimedTrace {
  readonly deploymentId: string;
  readonly claimedUntilMs: number;
}

/** Traces that are due at `dueMs`, the oldest first. Index on the time of the export. */
export async function listDueTraces(
  db: Queryable,
  { dueMs, limit }: { readonly dueMs: number; readonly limit: number },
): Promise<DeploymentTracesTable[]> {
  return await db.selectFrom("deployment_traces").selectAll()
    .where("export_at", "<=", dueMs).orderBy("export_at").limit(limit).execute();
}

/** Takes a trace until a time; `undefined` when another process has taken it. By primary key. */
export async function claimTrace(
  db: Queryable,
  { deployment_id: deploymentId, export_at }: DeploymentTracesTable,
  claimedUntilMs: number,
): Promise<ClaimedTrace | undefined> {
  const { numUpdatedRows } = await db.updateTable("deployment_traces").set({ export_at: claimedUntilMs })
    .where("deployment_id", "=", deploymentId).where("export_at", "=", export_at).executeTakeFirst();
  return numUpdatedRows === 0n ? undefined : { deploymentId, claimedUntilMs };
}

/** Ends a claim: the trace is due again at `dueMs`, or never with null. By primary key. */
export async function releaseTrace(
  db: Queryable,
  { deploymentId, claimedUntilMs }: ClaimedTrace,
  dueMs: number | null,
): Promise<void> {
  await db.updateTable("deployment_traces").set({ export_at: dueMs })
    .where("deployment_id", "=", deploymentId).where("export_at", "=", claimedUntilMs).execute();
}

/**
 * Gives up to `limit` traces up that ended before a time and were due before it, and returns their number with that of their
 * spans, the deploys themselves included. Index on the time of the export, then by primary key.
 */
export async function giveUpTraces(
  db: Queryable,
  { endedBeforeMs, limit }: { readonly endedBeforeMs: number; readonly limit: number },
): Promise<{ readonly traces: number; readonly spans: number }> {
  const old = await db.selectFrom("deployment_traces").select("deployment_id")
    .where("export_at", "<", endedBeforeMs).where("ended_at", "<", endedBeforeMs)
    .orderBy("export_at").limit(limit).execute();
  if (old.length === 0) return { traces: 0, spans: 0 };
  const ids = old.map(({ deployment_id }) => deployment_id);
  const { spans } = await db.selectFrom("deployment_spans")
    .select((eb) => eb.fn.countAll<number>().as("spans")).where("deployment_id", "in", ids)
    .executeTakeFirstOrThrow();
  await db.updateTable("deployment_traces").set({ export_at: null })
    .where("deployment_id", "in", ids).where("export_at", "<", endedBeforeMs).execute();
  return { traces: ids.length, spans: Number(spans) + ids.length };
}
