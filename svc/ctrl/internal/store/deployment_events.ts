/** The numbered history of a deployment. */
import { Fault } from "../../../../pkg/fault/mod.ts";
import type {
  DeploymentEventKind,
  DeploymentEventPayload,
  LogEvent,
  PayloadOf,
  StoredEvent,
} from "../deployments/events.ts";
import type { DeploymentStatus } from "../deployments/status.ts";
import type { Queryable, Tx } from "./database.ts";

/** Longer lines are cut: a row must stay small. */
export const LOG_LINE_CHARACTERS_MAX = 8_192;
const LOG_LINES_PER_EVENT_MAX = 200;
const ROWS_PER_INSERT_MAX = 100;

/**
 * Appends one event and returns its number. Numbers have no gaps and commit in order, because the counter's row stays
 * locked until the transaction ends; so append late in it.
 *
 * @throws `not_found` when the deployment does not exist
 */
export async function appendEvent<K extends DeploymentEventKind>(
  tx: Tx,
  deploymentId: string,
  kind: K,
  payload: PayloadOf<K>,
  nowMs: number,
): Promise<number> {
  return await append(tx, deploymentId, [{ kind, payload: JSON.stringify(payload) }], nowMs);
}

/** Appends printed lines, as few events as their number allows. Returns the number of the last, or 0 for no lines. */
export async function appendLogLines(
  tx: Tx,
  deploymentId: string,
  log: Omit<LogEvent, "kind">,
  nowMs: number,
): Promise<number> {
  const events: NewEvent[] = [];
  for (let start = 0; start < log.lines.length; start += LOG_LINES_PER_EVENT_MAX) {
    const lines = log.lines.slice(start, start + LOG_LINES_PER_EVENT_MAX)
      .map((line) => line.slice(0, LOG_LINE_CHARACTERS_MAX));
    const payload: PayloadOf<"log"> = { source: log.source, origin: log.origin, lines };
    events.push({ kind: "log", payload: JSON.stringify(payload) });
  }
  return events.length === 0 ? 0 : await append(tx, deploymentId, events, nowMs);
}

interface NewEvent {
  readonly kind: DeploymentEventKind;
  readonly payload: string;
}

async function append(
  tx: Tx,
  deploymentId: string,
  events: readonly NewEvent[],
  nowMs: number,
): Promise<number> {
  await tx.updateTable("deployments")
    .set((eb) => ({ next_event_sequence: eb("next_event_sequence", "+", events.length) }))
    .where("id", "=", deploymentId).execute();
  const counter = await tx.selectFrom("deployments").select("next_event_sequence")
    .where("id", "=", deploymentId).executeTakeFirst();
  if (counter === undefined) {
    throw new Fault("not_found", `no deployment "${deploymentId}" to append events to`);
  }
  const first = counter.next_event_sequence - events.length;
  const rows = events.map(({ kind, payload }, index) => ({
    deployment_id: deploymentId,
    sequence: first + index,
    kind,
    payload,
    created_at: nowMs,
  }));
  for (let start = 0; start < rows.length; start += ROWS_PER_INSERT_MAX) {
    await tx.insertInto("deployment_events").values(rows.slice(start, start + ROWS_PER_INSERT_MAX)).execute();
  }
  return counter.next_event_sequence - 1;
}

/** Events with a number above `afterSequence`, in order, by primary key. */
export async function listEventsAfter(
  db: Queryable,
  deploymentId: string,
  afterSequence: number,
  limit: number,
): Promise<StoredEvent[]> {
  const rows = await db.selectFrom("deployment_events").select(["sequence", "kind", "payload", "created_at"])
    .where("deployment_id", "=", deploymentId).where("sequence", ">", afterSequence)
    .orderBy("sequence").limit(limit).execute();
  return rows.map((row) => ({
    sequence: row.sequence,
    createdAtMs: row.created_at,
    payload: decodePayload(row.kind, row.payload),
  }));
}

/** Only `append` writes these, from typed values. */
function decodePayload(kind: DeploymentEventKind, json: string): DeploymentEventPayload {
  const value: unknown = JSON.parse(json);
  return Object.assign({ kind }, value) as DeploymentEventPayload;
}

/** The newest event of a deployment. */
export interface EventHead {
  readonly id: string;
  /** The newest event; 0 before the first. */
  readonly sequence: number;
  readonly status: DeploymentStatus;
}

/** The heads of those of `ids` that exist; by primary key. */
export async function listEventHeads(db: Queryable, ids: readonly string[]): Promise<EventHead[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("deployments").select(["id", "next_event_sequence", "status"])
    .where("id", "in", [...ids]).execute();
  return rows.map(({ id, next_event_sequence, status }) => ({
    id,
    sequence: next_event_sequence - 1,
    status,
  }));
}
