import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { testOnCtrlDatabases } from "../store/testing.ts";
import { lines, newDeploymentId, nextTexts, print } from "./testing.ts";
import { LogHub } from "./mod.ts";

const test = testOnCtrlDatabases();
const clock = systemClock();
const INSTANCES = ["a", "b", "c"];
const LINES = 240;
const FOLLOWERS = 8;
const PAUSE_MS_MAX = 12;
const DEADLINE_MS = 120_000;

const below = (max: number): number => Math.floor(Math.random() * max);

/** Followers come at any time, some read slowly, and the buffer is small. */
test("every follower gets every line once and in order, whenever it comes and however slow it is", async (db) => {
  const id = newDeploymentId();
  const hub = new LogHub({
    db,
    clock,
    pace: { readMsMin: 1, pollMs: 3, pollMsMax: 10 },
    bounds: { linesMax: 15, charsMax: 60 },
  });
  const write = async (instance: string): Promise<void> => {
    for (let from = 1; from <= LINES;) {
      const count = Math.min(1 + below(12), LINES - from + 1);
      await print(db, id, ...lines(instance, from, count));
      if (below(2) === 0) hub.reported(id);
      from += count;
      await clock.sleep(below(PAUSE_MS_MAX));
    }
  };
  const follow = async (slowMs: number): Promise<Map<string, string[]>> => {
    await clock.sleep(below(150));
    await using follower = hub.follow(id, new Map());
    const seen = new Map(INSTANCES.map((instance): [string, string[]] => [instance, []]));
    const deadline = performance.now() + DEADLINE_MS;
    for (let count = 0; count < LINES * INSTANCES.length;) {
      assert.ok(performance.now() < deadline, `${count} lines have come`);
      const texts = await nextTexts(follower);
      for (const text of texts) seen.get(text.slice(0, 1))?.push(text);
      count += texts.length;
      await clock.sleep(below(slowMs));
    }
    return seen;
  };
  const [all] = await Promise.all([
    Promise.all(Array.from({ length: FOLLOWERS }, (_, n) => follow(n % 2 === 0 ? 1 : 60))),
    ...INSTANCES.map(write),
  ]);
  for (const seen of all) {
    for (const instance of INSTANCES) assert.deepEqual(seen.get(instance), lines(instance, 1, LINES));
  }
  assert.equal(hub.followed, 0);
});
