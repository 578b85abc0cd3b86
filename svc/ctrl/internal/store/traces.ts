/** Traces of deploys. A span is known by its reporter and key, so that a report that comes twice changes nothing. */
import { insertIgnore } from "../../../../pkg/db/mod.ts";
import { shortHash } from "../../../../pkg/hash/mod.ts";
import type { StepName } from "../deployments/events.ts";
import type { DeploymentStatus } from "../deployments/status.ts";
import type { Queryable, Tx } from "./database.ts";
import type { DeploymentSpansTable, DeploymentTracesTable, SpanSource, SpanStatus } from "./schema_traces.ts";

/** Spans of a deployment, those of all reporters together; more are counted only. */
export const SPANS_MAX = 400;
/** The last spans of a deploy come a little after its end. */
export const EXPORT_DELAY_MS = 15_000;
const SPAN_DIGITS = 16;
/** Deployments in which a success is looked for. */
const LOOK_BACK_MAX = 200;

/** Work that is over, as its reporter knows it. */
export interface NewSpan {
  readonly source: SpanSource;
  /** Unique among the spans of the source. */
  readonly key: string;
  /** The id of the span that this one is a part of; absent: the deploy itself. */
  readonly parentId?: string;
  readonly region?: string;
  /** At most 128 characters. */
  readonly name: string;
  /** At most 256 characters. */
  readonly detail?: string;
  readonly status?: SpanStatus;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** The id that a span has whenever it is reported. */
export function spanIdOf(deploymentId: string, source: SpanSource, key: string): string {
  return shortHash(`${deploymentId} ${source} ${key}`, SPAN_DIGITS);
}

/** The span of a step, of which details are parts. */
export function stepSpanId(deploymentId: string, name: StepName): string {
  return spanIdOf(deploymentId, "step", name);
}

/** Begins the trace of a new deployment. */
export async function createTrace(
  tx: Tx,
  trace: Pick<
    DeploymentTracesTable,
    "deployment_id" | "trace_id" | "parent_span_id" | "is_sampled" | "started_at"
  >,
): Promise<void> {
  const later = { ended_at: null, outcome: null, dropped_spans: 0, export_at: null };
  await tx.insertInto("deployment_traces").values({ ...trace, ...later }).execute();
}

/** Ends the trace of a deploy. What becomes of the deployment later does not belong to it. */
export async function endTrace(
  tx: Tx,
  { id, outcome, nowMs }: { readonly id: string; readonly outcome: DeploymentStatus; readonly nowMs: number },
): Promise<void> {
  await tx.updateTable("deployment_traces")
    .set({ ended_at: nowMs, outcome, export_at: nowMs + EXPORT_DELAY_MS })
    .where("deployment_id", "=", id).where("ended_at", "is", null).execute();
}

/** Keeps a step that has ended as a span: its row is written anew when the deployment is started again. */
export async function keepStepSpan(tx: Tx, deploymentId: string, name: StepName): Promise<void> {
  const id = stepSpanId(deploymentId, name);
  const step = tx.selectFrom("deployment_steps as s")
    .innerJoin("deployment_traces as t", "t.deployment_id", "s.deployment_id")
    .select((eb) => [
      "s.deployment_id",
      eb.val(id).as("id"),
      eb.val("").as("parent_id"),
      eb.val("step").as("source"),
      eb.val("").as("region"),
      "s.name",
      eb.val("").as("detail"),
      "s.status",
      "s.started_at",
      eb.fn.coalesce("s.ended_at", "s.started_at").as("ended_at"),
    ])
    .where("s.deployment_id", "=", deploymentId).where("s.name", "=", name).where("t.ended_at", "is", null)
    .where(({ exists, not, selectFrom }) =>
      not(exists(
        selectFrom("deployment_spans as k").select("k.id")
          .where("k.deployment_id", "=", deploymentId).where("k.id", "=", id),
      ))
    );
  await tx.insertInto("deployment_spans").columns([
    "deployment_id",
    "id",
    "parent_id",
    "source",
    "region",
    "name",
    "detail",
    "status",
    "started_at",
    "ended_at",
  ]).expression(step).execute();
}

/**
 * Stores spans of one deployment, as many as its bound leaves room for, and counts the others. The first report of a span
 * stays. Spans of deployments without a trace are left out, and so is what began after the deploy.
 */
export async function storeSpans(tx: Tx, deploymentId: string, spans: readonly NewSpan[]): Promise<void> {
  const trace = await findTrace(tx, deploymentId);
  if (trace === undefined) return;
  const known = await tx.selectFrom("deployment_spans").select("id")
    .where("deployment_id", "=", deploymentId).execute();
  const ids = new Set(known.map(({ id }) => id));
  const endMs = trace.ended_at ?? Infinity;
  const rows = spans.filter(({ startedAtMs }) => startedAtMs <= endMs).map((span) =>
    rowOf(deploymentId, span)
  );
  const fresh = new Map(rows.filter(({ id }) => !ids.has(id)).map((row) => [row.id, row]));
  const kept = [...fresh.values()].slice(0, Math.max(0, SPANS_MAX - ids.size));
  await insertIgnore(tx, "deployment_spans", kept, ["deployment_id", "id"]);
  const dropped = fresh.size - kept.length;
  if (dropped === 0) return;
  await tx.updateTable("deployment_traces")
    .set((eb) => ({ dropped_spans: eb("dropped_spans", "+", dropped) }))
    .where("deployment_id", "=", deploymentId).execute();
}

function rowOf(deploymentId: string, span: NewSpan): DeploymentSpansTable {
  const { source, key, parentId = "", region = "", name, detail = "", status = "done" } = span;
  return {
    deployment_id: deploymentId,
    id: spanIdOf(deploymentId, source, key),
    parent_id: parentId,
    source,
    region,
    name,
    detail,
    status,
    started_at: span.startedAtMs,
    ended_at: Math.max(span.startedAtMs, span.endedAtMs),
  };
}

/** The trace of a deployment, by primary key. */
export async function findTrace(
  db: Queryable,
  deploymentId: string,
): Promise<DeploymentTracesTable | undefined> {
  return await db.selectFrom("deployment_traces").selectAll()
    .where("deployment_id", "=", deploymentId).executeTakeFirst();
}

/** All spans of a deployment in the order of their begins, by primary key. */
export async function listSpans(db: Queryable, deploymentId: string): Promise<DeploymentSpansTable[]> {
  return await db.selectFrom("deployment_spans").selectAll()
    .where("deployment_id", "=", deploymentId).orderBy("started_at").orderBy("id").execute();
}

/**
 * The trace of the last successful deploy of an environment among the 200 before the one with `sequence`. Index on both: no
 * more rows are read, also where all of them failed.
 */
export async function findSuccessBefore(
  db: Queryable,
  { environmentId, sequence }: { readonly environmentId: string; readonly sequence: number },
): Promise<DeploymentTracesTable | undefined> {
  return await db.selectFrom("deployments as d")
    .innerJoin("deployment_traces as t", "t.deployment_id", "d.id").selectAll("t")
    .where("d.environment_id", "=", environmentId).where("d.sequence", "<", sequence)
    .where("d.sequence", ">=", sequence - LOOK_BACK_MAX)
    .where("t.outcome", "=", "ready").orderBy("d.sequence", "desc").limit(1).executeTakeFirst();
}

/** Forgets the trace of a deployment whose output is not kept any more. Its spans have a bound. By primary key. */
export async function deleteTrace(db: Queryable, deploymentId: string): Promise<void> {
  // The trace first: without it no more spans are stored.
  await db.deleteFrom("deployment_traces").where("deployment_id", "=", deploymentId).execute();
  await db.deleteFrom("deployment_spans").where("deployment_id", "=", deploymentId).execute();
}
