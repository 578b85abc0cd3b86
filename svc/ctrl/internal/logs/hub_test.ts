import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { statementsRun } from "../changes/testing.ts";
import { testOnCtrlDatabases } from "../store/testing.ts";
import { type CtrlDatabase, type LogCursor, timeNsText } from "../store/mod.ts";
import { hastyClock, lines, newDeploymentId, nextTexts, print, take, withHook, within } from "./testing.ts";
import { type LogFollower, LogHub } from "./mod.ts";

const test = testOnCtrlDatabases();
const START: LogCursor = new Map();
const NEVER_MS = 600_000;
const NEVER = { readMsMin: NEVER_MS, pollMs: NEVER_MS, pollMsMax: NEVER_MS };

/** Followers that have read every line, and wait for more. */
async function join(hub: LogHub, id: string, count: number): Promise<LogFollower[]> {
  const all = Array.from({ length: count }, () => hub.follow(id, START));
  for (const each of all) await nextTexts(each);
  return all;
}

async function leave(...all: readonly LogFollower[]): Promise<void> {
  for (const each of all) await each[Symbol.asyncDispose]();
}

/** The lines of the next read, and its statements; MySQL only. */
async function look(db: CtrlDatabase, all: readonly LogFollower[]) {
  const before = await statementsRun(db);
  const texts = await Promise.all(all.map((each) => nextTexts(each)));
  return { statements: await statementsRun(db) - before - 1, texts };
}

test("ten followers of a deployment cost as many statements as one", async (db) => {
  const costs: unknown[] = [];
  for (const count of [1, 10]) {
    const id = newDeploymentId();
    await print(db, id, "a 1", "b 1");
    const hub = new LogHub({ db, clock: hastyClock() });
    const all = await join(hub, id, count);
    const quiet = await look(db, all);
    await print(db, id, "a 2", "b 3");
    const busy = await look(db, all);
    assert.deepEqual(busy.texts, all.map(() => ["a 2", "b 3"]));
    costs.push([quiet.statements, busy.statements]);
    await leave(...all);
  }
  // One for the instances, and for each of them one that looks for blocks and one that reads them.
  assert.deepEqual(costs, [[3, 5], [3, 5]]);
}, ["MySQL"]);

test("a late follower gets every line after its cursor, and then the lines of the others", async (db) => {
  const id = newDeploymentId();
  const hub = new LogHub({ db, clock: hastyClock() });
  const first = hub.follow(id, START);
  for (const from of [1, 501, 1_001]) await print(db, id, ...lines("a", from, from > 1_000 ? 200 : 500));
  assert.deepEqual(await take(first, 1_200), lines("a", 1, 1_200));
  const late = hub.follow(id, START);
  const middle = hub.follow(id, new Map([["local/a", { timeNs: timeNsText(1_198n), ordinal: 0 }]]));
  assert.deepEqual(await nextTexts(late), lines("a", 1, 500));
  await print(db, id, "b 7", "a 1201");
  assert.deepEqual(await take(first, 2), ["b 7", "a 1201"]);
  assert.deepEqual((await take(late, 702)).sort(), ["b 7", ...lines("a", 501, 701)].sort());
  assert.deepEqual(await take(middle, 4), ["b 7", ...lines("a", 1_199, 3)]);
  await print(db, id, "a 1201.1", "b 8");
  for (const each of [late, middle, first]) assert.deepEqual(await take(each, 2), ["b 8", "a 1201.1"]);
  for (const each of [late, middle, first]) assert.deepEqual(await nextTexts(each), []);
  await leave(first, late, middle);
});

test("a slow follower loses no line, within the buffer and beyond it", async (db) => {
  for (const linesMax of [4, 1_000]) {
    const id = newDeploymentId();
    const hub = new LogHub({ db, clock: hastyClock(), bounds: { linesMax, charsMax: 1_000_000 } });
    const [slow, quick] = [hub.follow(id, START), hub.follow(id, START)];
    await nextTexts(quick);
    const printed: string[] = [];
    for (let round = 0; round < 5; round++) {
      const batch = [...lines("a", round * 10, 3), `b ${round * 10 + 1}`];
      printed.push(...batch);
      await print(db, id, ...batch);
      assert.equal((await take(quick, 4)).length, 4);
    }
    if (db.dialect === "mysql") {
      const before = await statementsRun(db);
      const texts = await nextTexts(slow);
      const statements = await statementsRun(db) - before - 1;
      assert.deepEqual([texts.length, statements], linesMax === 4 ? [20, 5] : [20, 0]);
      assert.deepEqual(texts.sort(), printed.sort());
    } else assert.deepEqual((await take(slow, 20)).sort(), printed.sort());
    await print(db, id, "a 100");
    for (const each of [slow, quick]) assert.deepEqual(await take(each, 1), ["a 100"]);
    await leave(slow, quick);
  }
});

test("a follower that reads for itself gets the lines that others get meanwhile", async (db) => {
  const id = newDeploymentId();
  let statements = 0;
  let during = (): Promise<void> => Promise.resolve();
  const hub = new LogHub({ db: withHook(db, () => (statements++, during())), clock: hastyClock() });
  await print(db, id, "a 1");
  const first = hub.follow(id, START);
  await take(first, 1);
  const late = hub.follow(id, START);
  statements = 0;
  during = async () => {
    // The lines are read with the second statement, after the instances.
    if (statements !== 2) return;
    await print(db, id, "a 2");
    assert.deepEqual(await take(first, 1), ["a 2"]);
  };
  assert.deepEqual(await take(late, 2), ["a 1", "a 2"]);
  assert.ok(statements > 2);
  await leave(first, late);
});

test("a follower that stops waiting leaves the others waiting, and the last one ends the feed", async (db) => {
  const id = newDeploymentId();
  const hub = new LogHub({ db, clock: systemClock(), pace: { ...NEVER, readMsMin: 1 } });
  const [one, other] = [hub.follow(id, START), hub.follow(id, START)];
  await nextTexts(one);
  await nextTexts(other);
  const stop = new AbortController();
  const [given, waited] = [nextTexts(one, stop.signal), nextTexts(other)];
  stop.abort(new Error("enough"));
  await assert.rejects(given, /enough/);
  await leave(one);
  await assert.rejects(nextTexts(one, stop.signal), /enough/);
  await print(db, id, "a 1");
  hub.reported(id);
  assert.deepEqual([await waited, hub.followed], [["a 1"], 1]);
  const last = nextTexts(other);
  await within(leave(other));
  assert.deepEqual([await last, hub.followed], [[], 0]);
  hub.reported(id);
});

test("a failed read ends the wait of all followers, and skips no line", async (db) => {
  const id = newDeploymentId();
  const hub = new LogHub({ db, clock: hastyClock() });
  const all = await join(hub, id, 3);
  await print(db, id, "a 1");
  const { schema } = db.kysely;
  await schema.alterTable("log_blocks").renameTo("log_blocks_away").execute();
  try {
    const ends = await Promise.allSettled(all.map((each) => nextTexts(each)));
    assert.deepEqual(ends.map(({ status }) => status), all.map(() => "rejected"));
  } finally {
    await schema.alterTable("log_blocks_away").renameTo("log_blocks").execute();
  }
  for (const each of all) assert.deepEqual(await take(each, 1), ["a 1"]);
  await leave(...all);
});
