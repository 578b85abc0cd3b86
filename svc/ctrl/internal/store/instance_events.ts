/** Events of the instances of a deployment, kept when the instances themselves have forgotten it. */
import { digestOf } from "../../../../pkg/hash/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { InstanceEventsTable } from "./schema.ts";

/** One event, or several of the same kind, of one deployment in one region. */
export interface InstanceEvent {
  /** `ended`: a run of the app; `trouble`: of what does not end it; `recovered`: a trouble is over. */
  readonly kind: InstanceEventsTable["kind"];
  readonly reason: string;
  readonly message: string;
  readonly instance: string;
  readonly exitCode: number | null;
  readonly atMs: number;
  readonly times: number;
}

/** The same again within so long counts up the event instead of making another one. */
const REPEAT_MS = 3_600_000;
/** Per deployment; the oldest go first. */
export const INSTANCE_EVENTS_MAX = 100;
/** More than the instances of a report, of which each has few events. */
const SURPLUS_MAX = 10_000;

/** Where events belong. */
export interface EventPlace {
  readonly deploymentId: string;
  readonly region: string;
}

/** Keeps events. The caller holds the placement's row, so that reports of one region take turns. */
export async function recordInstanceEvents(
  tx: Tx,
  place: EventPlace,
  events: readonly InstanceEvent[],
): Promise<void> {
  let added = false;
  for (const event of events) {
    added = !await countUp(tx, place, event) && await add(tx, place, event) || added;
  }
  if (added) await trim(tx, place.deploymentId);
}

/** Counts up the newest event that says the same. By primary key. */
async function countUp(tx: Tx, { deploymentId, region }: EventPlace, event: InstanceEvent): Promise<boolean> {
  const { atMs, exitCode, instance, times } = event;
  const known = await tx.selectFrom("instance_events").select(["first_at", "last_at"])
    .where("deployment_id", "=", deploymentId).where("region", "=", region)
    .where("fingerprint", "=", fingerprint(event)).orderBy("first_at", "desc").limit(1).executeTakeFirst();
  if (known === undefined || atMs - known.last_at > REPEAT_MS) return false;
  await tx.updateTable("instance_events")
    .set((eb) => ({
      times: eb("times", "+", times),
      last_at: Math.max(known.last_at, atMs),
      instance,
      exit_code: exitCode,
    }))
    .where("deployment_id", "=", deploymentId).where("region", "=", region)
    .where("fingerprint", "=", fingerprint(event)).where("first_at", "=", known.first_at).execute();
  return true;
}

async function add(tx: Tx, { deploymentId, region }: EventPlace, event: InstanceEvent): Promise<true> {
  await tx.insertInto("instance_events").values({
    deployment_id: deploymentId,
    region,
    fingerprint: fingerprint(event),
    first_at: event.atMs,
    last_at: event.atMs,
    times: event.times,
    kind: event.kind,
    reason: event.reason,
    message: event.message,
    instance: event.instance,
    exit_code: event.exitCode,
  }).execute();
  return true;
}

function fingerprint({ kind, reason, message }: InstanceEvent): string {
  return digestOf([kind, reason, message]).slice(0, 32);
}

/** One by one: a time may be that of many, of which some stay. Index on deployment and time. */
async function trim(tx: Tx, deploymentId: string): Promise<void> {
  const surplus = await tx.selectFrom("instance_events").select(["region", "fingerprint", "first_at"])
    .where("deployment_id", "=", deploymentId)
    .orderBy("last_at", "desc").orderBy("first_at", "desc").orderBy("fingerprint", "desc")
    .offset(INSTANCE_EVENTS_MAX).limit(SURPLUS_MAX).execute();
  for (const { region, fingerprint, first_at } of surplus) {
    await tx.deleteFrom("instance_events").where("deployment_id", "=", deploymentId).where(
      "region",
      "=",
      region,
    )
      .where("fingerprint", "=", fingerprint).where("first_at", "=", first_at).execute();
  }
}

/** All events of a deployment in the order of their last time. Index on deployment and time. */
export async function listInstanceEvents(
  db: Queryable,
  deploymentId: string,
): Promise<InstanceEventsTable[]> {
  return await db.selectFrom("instance_events").selectAll().where("deployment_id", "=", deploymentId)
    .orderBy("last_at").orderBy("first_at").orderBy("fingerprint").execute();
}

/** Deletes its events from before `beforeMs`. Their number is bounded. */
export async function deleteInstanceEvents(
  db: Queryable,
  { deploymentId, beforeMs }: { readonly deploymentId: string; readonly beforeMs: number },
): Promise<void> {
  await db.deleteFrom("instance_events").where("deployment_id", "=", deploymentId)
    .where("last_at", "<", beforeMs).execute();
}
