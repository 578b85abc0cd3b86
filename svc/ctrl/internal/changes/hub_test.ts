import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { eventually } from "../../../../pkg/testkit/eventually.ts";
import { testOnCtrlDatabases } from "../store/testing.ts";
import {
  commit,
  countingClock,
  item,
  type Message,
  open,
  statementsRun,
  testFeed,
  withHub,
  write,
} from "./testing.ts";
import { compactChanges, type FeedEvent } from "./mod.ts";

const test = testOnCtrlDatabases();
const NEVER_MS = 60_000;

test("a stream is a snapshot, its end, changes, and heartbeats", async (db) => {
  const { feed } = testFeed();
  const region = newDnsName(10);
  await commit(db, region, "a", 1);
  await commit(db, region, "b", 2);
  await commit(db, region, "a", 3);
  await withHub(db, async (hub) => {
    const stream = open(hub, feed, region, 0);
    assert.deepEqual(await stream.nextChange(), item("b", 2, 2));
    assert.deepEqual(await stream.nextChange(), item("a", 3, 3));
    assert.deepEqual(await stream.nextChange(), { kind: "snapshot_end", version: 3, resources: 2 });
    await commit(db, region, "b", 4);
    assert.deepEqual(await stream.nextChange(), item("b", 4, 4));
    await commit(db, region, "a", undefined);
    assert.deepEqual(await stream.nextChange(), {
      kind: "item",
      version: 5,
      resourceType: "deployment",
      resourceId: "a",
      message: { id: "a", written: undefined, value: 0 },
    });
    assert.deepEqual(await stream.next(), { kind: "heartbeat", version: 5 });
    assert.deepEqual(await stream.next(), { kind: "heartbeat", version: 5 });
    await stream.close();
    assert.equal(hub.streams, 0);
  }, { heartbeatMs: 50 });
});

test("a stream resumes strictly after its cursor, also in the middle of a transaction's changes", async (db) => {
  const { feed, control } = testFeed();
  const region = newDnsName(10);
  await transact(db, async (tx) => {
    for (const id of ["a", "b", "c"]) await write(tx, region, id, 1);
  });
  await withHub(db, async (hub) => {
    const stream = open(hub, feed, region, 1);
    assert.deepEqual(await stream.nextChange(), item("b", 2, 1));
    assert.deepEqual(await stream.nextChange(), item("c", 3, 1));
    await stream.close();
    assert.equal(control.snapshots, 0);
  });
});

/** The batches that another stream has read. */
test("a stream resumes strictly after its cursor in kept batches, also at their bounds", async (db) => {
  const { feed, control } = testFeed();
  const region = newDnsName(10);
  await commit(db, region, "first", 1);
  await withHub(db, async (hub) => {
    const reader = open(hub, feed, region, 1);
    assert.deepEqual(await reader.next(), { kind: "heartbeat", version: 1 });
    for (const ids of [["a", "b", "c"], ["d", "e"]]) {
      await transact(db, async (tx) => {
        for (const id of ids) await write(tx, region, id, 1);
      });
      hub.changed([region]);
      for (const _ of ids) await reader.nextChange();
    }
    [control.loads, control.snapshots] = [0, 0];
    for (const cursor of [1, 2, 3, 4, 5]) {
      const stream = open(hub, feed, region, cursor);
      const expected = ["a", "b", "c", "d", "e"].map((id, n) => item(id, n + 2, 1)).slice(cursor - 1);
      for (const each of expected) assert.deepEqual(await stream.next(), each, `cursor ${cursor}`);
      assert.deepEqual(await stream.next(), { kind: "heartbeat", version: 6 });
      await stream.close();
    }
    assert.deepEqual([control.loads, control.snapshots], [0, 0], "all of it was kept");
    await reader.close();
  }, { heartbeatMs: 30 });
});

test("an empty region gives an empty snapshot, and then its changes", async (db) => {
  const { feed } = testFeed();
  const region = newDnsName(10);
  await withHub(db, async (hub) => {
    const stream = open(hub, feed, region, 0);
    assert.deepEqual(await stream.nextChange(), { kind: "snapshot_end", version: 0, resources: 0 });
    await commit(db, region, "a", 1);
    assert.deepEqual(await stream.nextChange(), item("a", 1, 1));
    await stream.close();
  });
});

test("a cursor that is too old, or from another database, gets a snapshot", async (db) => {
  const { feed, control } = testFeed();
  const region = newDnsName(10);
  for (let value = 1; value <= 5; value++) await commit(db, region, "a", value);
  await compactChanges(db.kysely, region, { nowMs: 10_000, keepMs: 1_000, keepVersions: 2 });
  await withHub(db, async (hub) => {
    for (const cursor of [1, 2, 6, 1_000_000]) {
      const stream = open(hub, feed, region, cursor);
      assert.deepEqual(await stream.nextChange(), item("a", 5, 5), `cursor ${cursor}`);
      assert.deepEqual(await stream.nextChange(), { kind: "snapshot_end", version: 5, resources: 1 });
      await stream.close();
    }
    control.snapshots = 0;
    for (const cursor of [3, 4]) {
      const stream = open(hub, feed, region, cursor);
      assert.deepEqual(await stream.nextChange(), item("a", 5, 5));
      await stream.close();
    }
    assert.equal(control.snapshots, 0, "nothing that follows these was compacted");
    await compactChanges(db.kysely, region, { nowMs: 10_000, keepMs: 1_000, keepVersions: 0 });
    const current = open(hub, feed, region, 5);
    assert.deepEqual(await current.next(), { kind: "heartbeat", version: 5 });
    await current.close();
  }, { heartbeatMs: 40 });
});

/** In the middle of a stream, a snapshot's end would say that what came before it in that stream still is. */
test("a stream ends when changes after its cursor were compacted, and the next begins with a snapshot", async (db) => {
  const { feed } = testFeed();
  const region = newDnsName(10);
  await commit(db, region, "a", 1);
  await withHub(db, async (hub) => {
    const stream = open(hub, feed, region, 0);
    assert.deepEqual(await stream.nextChange(), item("a", 1, 1));
    assert.deepEqual(await stream.nextChange(), { kind: "snapshot_end", version: 1, resources: 1 });
    // In one transaction, so that no look of the hub can come between.
    await transact(db, async (tx) => {
      await write(tx, region, "b", 2);
      await write(tx, region, "a", undefined);
      await compactChanges(tx, region, { nowMs: 10_000, keepMs: 1_000, keepVersions: 0 });
    });
    hub.changed([region]);
    await assert.rejects(stream.nextChange(), (error) => isFault(error, "unavailable"));
    const next = open(hub, feed, region, 1);
    assert.deepEqual(await next.nextChange(), item("b", 2, 2));
    assert.deepEqual(await next.nextChange(), { kind: "snapshot_end", version: 3, resources: 1 });
    await next.close();
  }, { pollMs: NEVER_MS, heartbeatMs: NEVER_MS });
});

/** Without polls only the wake can deliver; without a wake only the poll can. */
test("a commit is delivered by its wake at once, and without a wake by the next poll", async (db) => {
  const { feed } = testFeed();
  const region = newDnsName(10);
  await withHub(db, async (hub) => {
    const stream = open(hub, feed, region, 0);
    await stream.nextChange();
    await commit(db, region, "a", 1);
    hub.changed([region]);
    assert.deepEqual(await stream.nextChange(), item("a", 1, 1));
    await withHub(db, async (other) => {
      const elsewhere = open(other, feed, region, 1);
      const arrival = elsewhere.nextChange();
      await commit(db, region, "a", 2);
      assert.deepEqual(await arrival, item("a", 2, 2));
      await elsewhere.close();
    });
    await stream.close();
  }, { pollMs: NEVER_MS });
});

/** The cost of a commit must not grow with the number of agents. */
test("all streams of a region share one read per batch, and those that start together one snapshot", async (db) => {
  const { feed, control } = testFeed();
  const region = newDnsName(10);
  await commit(db, region, "a", 1);
  await withHub(db, async (hub) => {
    const streams = Array.from({ length: 50 }, () => open(hub, feed, region, 0));
    for (const stream of streams) {
      assert.deepEqual(await stream.nextChange(), item("a", 1, 1));
      assert.equal((await stream.nextChange()).kind, "snapshot_end");
    }
    assert.equal(control.snapshots, 1);
    control.loads = 0;
    const arrivals = streams.map((stream) => stream.nextChange());
    await commit(db, region, "a", 2);
    const events = await Promise.all(arrivals);
    assert.ok(events.every((event) => event === events[0]), "the very same message");
    assert.equal(control.loads, 1);
    await Promise.all(streams.map((stream) => stream.close()));
    // All in one moment, however long it takes.
  }, { clock: { ...systemClock(), now: () => 0 } });
});

const ROUNDS_MAX = 8;
const POLLS = 3;

test("an idle hub asks the database once per poll, whatever the number of streams", async (db) => {
  const { feed } = testFeed();
  const region = newDnsName(10);
  const polls = countingClock();
  await withHub(db, async (hub) => {
    const streams = Array.from({ length: 100 }, () => open(hub, feed, region, 0));
    await Promise.all(streams.map((stream) => stream.nextChange()));
    const waiting = streams.map((stream) => stream.next());
    // Statements of the start may come late on a busy machine: a hub that asks per stream has no quiet round at all.
    const rounds: number[] = [];
    const isQuiet = (): boolean => (rounds.at(-1) ?? Infinity) <= POLLS + 2;
    while (!isQuiet() && rounds.length < ROUNDS_MAX) {
      const until = polls.sleeps + POLLS;
      const before = await statementsRun(db);
      await eventually(`${POLLS} polls`, () => polls.sleeps >= until);
      rounds.push(await statementsRun(db) - before - 1);
    }
    const closing = streams.map((stream) => stream.close());
    await Promise.allSettled([...waiting, ...closing]);
    assert.ok(isQuiet(), `${rounds} statements in ${POLLS} polls each`);
  }, { clock: polls, pollMs: 200, heartbeatMs: NEVER_MS });
}, ["MySQL"]);

/** A stream that does not read must cost nothing, and gets the latest state when it reads again. */
test("a slow stream gets each resource once, with its latest state", async (db) => {
  const { feed } = testFeed();
  const region = newDnsName(10);
  await withHub(db, async (hub) => {
    const [slow, quick] = [open(hub, feed, region, 0), open(hub, feed, region, 0)];
    await slow.nextChange();
    await quick.nextChange();
    const ids = ["a", "b", "c"];
    await transact(db, async (tx) => {
      for (let n = 0; n < 10; n++) await write(tx, region, "first", n);
    });
    assert.deepEqual(await slow.nextChange(), item("first", 10, 9));
    for (let n = 1; n <= 150; n++) {
      await transact(db, async (tx) => {
        for (const id of ids) await write(tx, region, id, n);
      });
      hub.changed([region]);
      for (let read = 0; n === 150 && read < 3; read++) {
        let event = await quick.nextChange();
        while (event.version < 458) event = await quick.nextChange();
      }
    }
    const seen: FeedEvent<Message>[] = [];
    for (;;) {
      const event = await slow.nextChange();
      seen.push(event);
      if (event.version === 460) break;
    }
    assert.deepEqual(seen.slice(-3), [item("a", 458, 150), item("b", 459, 150), item("c", 460, 150)]);
    assert.ok(seen.length <= 150 * 3 + 1);
    await slow.close();
    await quick.close();
  });
});
