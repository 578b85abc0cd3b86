import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { testOnCtrlDatabases } from "../store/testing.ts";
import { hastyClock, newDeploymentId, nextTexts, print, take, withHook } from "./testing.ts";
import { LogHub } from "./mod.ts";

const test = testOnCtrlDatabases();
const NEVER_MS = 600_000;

test("reads get rarer without lines, and frequent again with the next line", async (db) => {
  const id = newDeploymentId();
  const clock = hastyClock();
  const hub = new LogHub({ db, clock });
  const follower = hub.follow(id, new Map());
  const sleepsOf = async (looks: number): Promise<number[]> => {
    clock.sleeps.length = 0;
    for (let n = 0; n < looks; n++) await nextTexts(follower);
    return [...clock.sleeps];
  };
  assert.deepEqual(await sleepsOf(1), [], "at once");
  const sleeps = await sleepsOf(30);
  assert.deepEqual([sleeps[0], sleeps[1], sleeps.at(-1), Math.max(...sleeps)], [500, 500, 2_000, 2_000]);
  assert.deepEqual(sleeps.toSorted((a, b) => a - b), sleeps);
  await print(db, id, "a 1");
  assert.deepEqual(await nextTexts(follower), ["a 1"]);
  assert.deepEqual(await sleepsOf(2), [500, 500]);
  hub.reported(id);
  assert.deepEqual(await sleepsOf(2), [200, 500], "a report hurries one look, but not to a rush");
  await follower[Symbol.asyncDispose]();
});

/** Without polls, only the report can deliver. */
test("reported lines are read at once, also when the report comes during a read", async (db) => {
  const id = newDeploymentId();
  const pace = { readMsMin: 1, pollMs: NEVER_MS, pollMsMax: NEVER_MS };
  let during = (): Promise<void> => Promise.resolve();
  const hub = new LogHub({ db: withHook(db, () => during()), clock: systemClock(), pace });
  const report = async (line: string): Promise<void> => {
    await print(db, id, line);
    hub.reported(id);
  };
  await using follower = hub.follow(id, new Map());
  await nextTexts(follower);
  for (let n = 1; n <= 10; n++) {
    during = async () => {
      during = () => Promise.resolve();
      await report(`b ${n}`);
    };
    const waited = take(follower, 2);
    await report(`a ${n}`);
    assert.deepEqual((await waited).sort(), [`a ${n}`, `b ${n}`]);
  }
});
