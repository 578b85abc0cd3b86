/** A feed over placements, with writers and a hub, for the tests of this folder. */
import { sql, type Transaction } from "kysely";
import { type Clock, systemClock } from "../../../../pkg/clock/mod.ts";
import { transact, upsert } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import type { CtrlDatabase, Queryable, Schema } from "../store/mod.ts";
import {
  appendChanges,
  ChangeHub,
  type ChangeHubOptions,
  defineFeed,
  type Delivery,
  type Feed,
  type FeedEvent,
  feedKind,
} from "./mod.ts";

export interface Message {
  readonly id: string;
  /** The version that wrote the state; `undefined`: the resource is gone. */
  readonly written: number | undefined;
  readonly value: number;
}

interface Row {
  readonly deployment_id: string;
  readonly version: number;
  readonly desired_replicas: number;
}

/** Hooks and counters of the feed. */
export interface FeedControl {
  loads: number;
  snapshots: number;
  /** Runs before each conversion. */
  onConvert: (row: Row) => void;
  /** Runs before each load. */
  onLoad: () => void;
}

/** Shows events to tests as they are. */
export const AS_IT_IS: Delivery<Message, FeedEvent<Message>> = { toMessage: (event) => event };

/** Values that no row of a test has otherwise. */
export const POISON = 666;
const PAGE = 100;

export function testFeed(): { feed: Feed<Message>; control: FeedControl } {
  const control: FeedControl = { loads: 0, snapshots: 0, onConvert: () => {}, onLoad: () => {} };
  const select = (db: Queryable, region: string) =>
    db.selectFrom("deployment_topology").select(["deployment_id", "version", "desired_replicas"])
      .where("region", "=", region);
  const kind = feedKind<Row, Message>({
    resourceType: "deployment",
    async load(db, region, ids) {
      control.loads++;
      control.onLoad();
      const rows = await select(db, region).where("deployment_id", "in", [...ids]).execute();
      return new Map(rows.map((row) => [row.deployment_id, row]));
    },
    async *snapshot(db, region) {
      control.snapshots++;
      let after = 0;
      for (;;) {
        const rows = await select(db, region).where("version", ">", after).orderBy("version").limit(PAGE)
          .execute();
        for (const row of rows) yield { resourceId: row.deployment_id, version: row.version, row };
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE) return;
        after = last.version;
      }
    },
    convert(row) {
      control.onConvert(row);
      return { id: row.deployment_id, written: row.version, value: row.desired_replicas };
    },
    gone: (id) => ({ id, written: undefined, value: 0 }),
  });
  return { feed: defineFeed("test", [kind]), control };
}

/** Writes one resource, or deletes it with `undefined`; `pause` runs while the transaction is open. */
export async function write(
  tx: Transaction<Schema>,
  region: string,
  id: string,
  value: number | undefined,
  nowMs = 1,
): Promise<number> {
  const [version = 0] = await appendChanges(
    tx,
    region,
    [{ resourceType: "deployment", resourceId: id }],
    nowMs,
  );
  if (value === undefined) {
    await tx.deleteFrom("deployment_topology").where("deployment_id", "=", id).where("region", "=", region)
      .execute();
    return version;
  }
  await upsert(tx, "deployment_topology", [{
    deployment_id: id,
    region,
    workspace_id: "ws",
    desired_replicas: value,
    desired_status: "started",
    version,
    reported_generation: 0,
    created_at: nowMs,
    updated_at: nowMs,
  }], { key: ["deployment_id", "region"], update: ["desired_replicas", "version"] });
  return version;
}

/** The same in a transaction of its own. */
export function commit(
  db: CtrlDatabase,
  region: string,
  id: string,
  value: number | undefined,
): Promise<number> {
  return transact(db, (tx) => write(tx, region, id, value));
}

export interface CountingClock extends Clock {
  /** Sleeps that a hub began. With its poll as the only sleep, the number of polls. */
  sleeps: number;
}

export function countingClock(): CountingClock {
  const { now, sleep } = systemClock();
  const clock = {
    sleeps: 0,
    now,
    sleep: (ms: number, signal?: AbortSignal) => {
      clock.sleeps++;
      return sleep(ms, signal);
    },
  };
  return clock;
}

/** Runs `fn` with a running hub, and stops it. */
export async function withHub(
  db: CtrlDatabase,
  fn: (hub: ChangeHub, stop: () => Promise<void>) => Promise<void>,
  options: Partial<ChangeHubOptions> = {},
): Promise<void> {
  const hub = new ChangeHub({ db, clock: systemClock(), log: silentLogger(), pollMs: 20, ...options });
  const stop = new AbortController();
  const running = hub.run(stop.signal);
  const end = (): Promise<void> => {
    stop.abort();
    return running;
  };
  try {
    await fn(hub, end);
  } finally {
    await end();
  }
}

/** The state of a region in the database, which every client must end with. */
export async function stateOf(db: CtrlDatabase, region: string): Promise<ReadonlyMap<string, number>> {
  const rows = await db.kysely.selectFrom("deployment_topology").select(["deployment_id", "desired_replicas"])
    .where("region", "=", region).execute();
  return new Map(rows.map((row) => [row.deployment_id, row.desired_replicas]));
}

/** The number of statements that the server has run; MySQL only. */
export async function statementsRun(db: CtrlDatabase): Promise<number> {
  const { rows } = await sql<{ Value: string }>`show global status like 'Questions'`.execute(db.kysely);
  return Number(rows[0]?.Value ?? 0);
}

/** A stream that a test reads step by step. */
export interface OpenStream {
  next(): Promise<FeedEvent<Message>>;
  /** The next event that is no heartbeat. */
  nextChange(): Promise<FeedEvent<Message>>;
  close(): Promise<void>;
}

export function open(hub: ChangeHub, feed: Feed<Message>, region: string, sinceVersion: number): OpenStream {
  const stop = new AbortController();
  const stream = hub.watch(feed, { region, sinceVersion, signal: stop.signal }, AS_IT_IS);
  const next = async (): Promise<FeedEvent<Message>> => {
    const { value, done } = await stream.next();
    if (done === true) throw new Error("the stream ended");
    return value;
  };
  return {
    next,
    async nextChange(): Promise<FeedEvent<Message>> {
      for (;;) {
        const event = await next();
        if (event.kind !== "heartbeat") return event;
      }
    },
    async close(): Promise<void> {
      stop.abort();
      await stream.return();
    },
  };
}

export const item = (id: string, version: number, value: number): FeedEvent<Message> => ({
  kind: "item",
  version,
  resourceType: "deployment",
  resourceId: id,
  message: { id, written: version, value },
});
