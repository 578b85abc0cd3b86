import assert from "node:assert/strict";
import { type Clock, systemClock } from "../clock/mod.ts";
import { createLogger } from "../logger/mod.ts";
import { testOnDatabases } from "../testkit/databases.ts";
import { DatabaseClock, databaseNow } from "./mod.ts";

const test = testOnDatabases<Record<never, never>>({ migrate: () => Promise.resolve() });
const MINUTES_5 = 5 * 60_000;
/** Far below all time-outs that compare times of two processes. */
const NEAR_MS = 2_000;

/** The wrong clock of a machine, which may be set. */
class WrongClock implements Clock {
  aheadMs: number;
  sleeps = 0;

  constructor(aheadMs: number) {
    this.aheadMs = aheadMs;
  }

  now(): number {
    return systemClock().now() + this.aheadMs;
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps++;
    return systemClock().sleep(1, signal);
  }
}

function logged() {
  const lines: string[] = [];
  return {
    lines,
    log: createLogger({ service: "test", level: "warn", write: (line) => void lines.push(line) }),
  };
}

test("processes whose clocks are ten minutes apart agree on the time", async (db) => {
  for (const aheadMs of [MINUTES_5, -MINUTES_5]) {
    const { log, lines } = logged();
    const clock = new DatabaseClock(new WrongClock(aheadMs), log);
    await clock.measure(db);
    assert.ok(Math.abs(clock.now() - await databaseNow(db.kysely)) < NEAR_MS, `${aheadMs}`);
    assert.match(lines.join(), /"database_ahead_ms":-?(299|300)\d{3}/);
  }
});

test("a clock that is right is used as it is, and a step of it is followed", async (db) => {
  const local = new WrongClock(0);
  const { log, lines } = logged();
  const clock = new DatabaseClock(local, log);
  await clock.measure(db);
  const [mine, own] = [clock.now(), local.now()];
  assert.ok(Math.abs(mine - own) < 100);
  assert.deepEqual(lines, []);

  const stop = new AbortController();
  local.aheadMs = MINUTES_5;
  const following = clock.follow(db, stop.signal);
  for (const deadline = Date.now() + 60_000; Math.abs(clock.now() - Date.now()) > NEAR_MS;) {
    assert.ok(Date.now() < deadline, "the step was not followed");
    await systemClock().sleep(1);
  }
  stop.abort();
  await following;
  assert.equal(lines.length, 1, "an operator hears of it once");
});

test("the last difference counts while the database does not answer", async (db) => {
  const local = new WrongClock(MINUTES_5);
  const clock = new DatabaseClock(local, logged().log);
  await clock.measure(db);
  const stop = new AbortController();
  await db.close();
  const following = clock.follow(db, stop.signal);
  while (local.sleeps < 3) await systemClock().sleep(1);
  stop.abort();
  await following;
  assert.ok(Math.abs(clock.now() - Date.now()) < NEAR_MS);
});
