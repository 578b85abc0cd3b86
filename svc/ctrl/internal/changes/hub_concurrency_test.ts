import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { SHARED_DATABASES } from "../../../../pkg/testkit/databases.ts";
import { eventually } from "../../../../pkg/testkit/eventually.ts";
import { testOnCtrlDatabases } from "../store/testing.ts";
import { type CtrlDatabase, findRegionVersion } from "../store/mod.ts";
import {
  AS_IT_IS,
  commit,
  countingClock,
  type Message,
  stateOf,
  testFeed,
  withHub,
  write,
} from "./testing.ts";
import { type ChangeHub, compactChanges, type Feed } from "./mod.ts";

const test = testOnCtrlDatabases();
const clock = systemClock();
const WRITERS = 4;
const WATCHERS = 3;
const TRANSACTIONS = Number(Deno.env.get("UNKEY_TEST_FEED_TRANSACTIONS") ?? 60);
const RESOURCES = 12;
const OPEN_MS_MAX = 8;
const STREAM_MS_MAX = 60;
const DEADLINE_MS = 300_000;

/** Numbers that a seed repeats. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Client {
  readonly state: Map<string, number>;
  cursor: number;
  readonly problems: string[];
  items: number;
}

/**
 * One connection: takes events until it is cut, and keeps the rules of an agent. The first messages of a stream may be
 * part of a snapshot, also when the client has a cursor: its cursor moves only after the end of the snapshot or a heartbeat.
 */
async function connect(
  hub: ChangeHub,
  feed: Feed<Message>,
  region: string,
  client: Client,
  versions: Map<string, number>,
  cut: AbortSignal,
): Promise<void> {
  let snapshot: Set<string> | undefined = new Set();
  const streamed = new Map<string, number>();
  const options = { region, sinceVersion: client.cursor, signal: cut };
  for await (const event of hub.watch(feed, options, AS_IT_IS)) {
    if (event.kind === "problem") client.problems.push(event.text);
    if (event.kind === "snapshot_end") {
      for (const id of client.state.keys()) if (!snapshot?.has(id)) client.state.delete(id);
      snapshot = undefined;
      client.cursor = event.version;
    }
    if (event.kind === "heartbeat") {
      snapshot = undefined;
      client.cursor = event.version;
    }
    if (event.kind !== "item") continue;
    client.items++;
    const { id, written, value } = event.message;
    const last = streamed.get(id) ?? 0;
    if (event.version < last) client.problems.push(`${id} went back from ${last} to ${event.version}`);
    streamed.set(id, event.version);
    if (written !== undefined && written !== event.version) {
      client.problems.push(`${id}: labelled ${event.version}, written by ${written}`);
    }
    // A stream from an older cursor repeats later changes: an agent ignores those older than its state.
    if (event.version < (versions.get(id) ?? 0)) {
      snapshot?.add(id);
      continue;
    }
    versions.set(id, event.version);
    if (written === undefined) client.state.delete(id);
    else client.state.set(id, value);
    if (snapshot !== undefined) snapshot.add(id);
    else client.cursor = event.version;
  }
}

/** A client that loses its connection at random times until it has everything up to `goal`. */
async function watch(
  hubs: readonly ChangeHub[],
  feed: Feed<Message>,
  region: string,
  roll: (below: number) => number,
  goal: Promise<number>,
): Promise<Client> {
  const client: Client = { state: new Map(), cursor: 0, problems: [], items: 0 };
  const versions = new Map<string, number>();
  let target = Infinity;
  goal.then((version) => target = version);
  const deadline = performance.now() + DEADLINE_MS;
  while (client.problems.length === 0 && client.cursor < target && performance.now() < deadline) {
    const hub = hubs[roll(hubs.length)];
    if (hub === undefined) throw new Error("no hub");
    const cut = new AbortController();
    const timer = setTimeout(() => cut.abort(), 1 + roll(STREAM_MS_MAX));
    await connect(hub, feed, region, client, versions, cut.signal).catch((error: unknown) => {
      // An agent reconnects when the server cannot read.
      if (!isFault(error, "unavailable")) client.problems.push(String(error));
    });
    clearTimeout(timer);
    // Now and then an agent loses its cursor.
    if (roll(20) === 0) client.cursor = 0;
  }
  return client;
}

async function writeAtRandom(
  db: CtrlDatabase,
  hubs: readonly ChangeHub[],
  regions: readonly string[],
  roll: (below: number) => number,
): Promise<void> {
  for (let n = 0; n < TRANSACTIONS; n++) {
    const region = regions[roll(regions.length)] ?? "";
    await transact(db, async (tx) => {
      for (let times = roll(3); times >= 0; times--) {
        await write(tx, region, `r${roll(RESOURCES)}`, roll(5) === 0 ? undefined : roll(1_000_000));
        if (roll(2) === 0) await clock.sleep(roll(OPEN_MS_MAX));
      }
    });
    // Some wakes get lost, as nudges do.
    if (roll(3) > 0) hubs[roll(hubs.length)]?.changed([region]);
    // So little is kept that streams lack it while they are open.
    if (roll(4) === 0) {
      await compactChanges(db.kysely, region, { nowMs: 10_000, keepMs: 1, keepVersions: roll(4) });
    }
    if (roll(4) === 0) await clock.sleep(roll(OPEN_MS_MAX));
  }
}

/**
 * The promise of the feed. Writers hold their transactions open for random times, compaction runs in between, and
 * clients are cut at random and go on with another process.
 */
test("every client ends with exactly the desired state, and no resource goes back", async (db) => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const regions = [newDnsName(10), newDnsName(10)];
  const { feed } = testFeed();
  await withHub(db, async (one) => {
    await withHub(db, async (two) => {
      const hubs = [one, two];
      const written = Promise.all(
        Array.from({ length: WRITERS }, (_, n) => writeAtRandom(db, hubs, regions, dice(seed + n))),
      );
      const watching = regions.flatMap((region) =>
        Array.from({ length: WATCHERS }, async (_, n) => ({
          region,
          client: await watch(
            hubs,
            feed,
            region,
            dice(seed + 100 + n),
            written.then(() => findRegionVersion(db.kysely, region)),
          ),
        }))
      );
      const [clients] = await Promise.all([Promise.all(watching), written]);
      for (const { region, client } of clients) {
        assert.deepEqual(client.problems, [], `seed ${seed}`);
        const sorted = (state: ReadonlyMap<string, number>) => [...state].sort();
        assert.deepEqual(sorted(client.state), sorted(await stateOf(db, region)), `seed ${seed}`);
        assert.ok(client.items > 0);
      }
    }, { pollMs: 15, heartbeatMs: 20 });
  }, { pollMs: 15, heartbeatMs: 20 });
});

/** A reader that trusts an order which only looks like commit order skips changes that commit late. */
test("a change that commits later than one begun after it is not skipped", async (db) => {
  const region = newDnsName(10);
  const { feed } = testFeed();
  const polls = countingClock();
  await withHub(db, async (hub) => {
    const stop = new AbortController();
    const stream = hub.watch(feed, { region, sinceVersion: 0, signal: stop.signal }, AS_IT_IS);
    await stream.next();
    const begun = Promise.withResolvers<void>();
    const isWaited = Promise.withResolvers<void>();
    const slow = transact(db, async (tx) => {
      await write(tx, region, "slow", 1);
      begun.resolve();
      await isWaited.promise;
    });
    await begun.promise;
    const quick = commit(db, region, "quick", 2);
    const before = polls.sleeps;
    await eventually("polls while both are open", () => polls.sleeps > before + 3, { everyMs: 5 });
    isWaited.resolve();
    const seen: string[] = [];
    while (seen.length < 2) {
      const { value } = await stream.next();
      if (value?.kind === "item") seen.push(`${value.resourceId} ${value.version}`);
    }
    await Promise.all([slow, quick]);
    assert.deepEqual(seen, ["slow 1", "quick 2"]);
    stop.abort();
    await stream.return();
  }, { clock: polls });
}, SHARED_DATABASES);
