import assert from "node:assert/strict";
import { Progress } from "./progress.ts";

Deno.test("Progress moves the cursor only past settled changes, in whatever order they settle", () => {
  const progress = new Progress();
  progress.resume(10);
  progress.receivedUpTo(10);
  const [eleven, twelve, thirteen] = [progress.begin(11), progress.begin(12), progress.begin(13)];
  twelve();
  assert.equal(progress.cursor, 10);
  eleven();
  assert.equal(progress.cursor, 12);
  thirteen();
  thirteen();
  assert.equal(progress.cursor, 13);
  assert.equal(progress.observed, 13);
});

/** Otherwise an agent that dies in the middle of a snapshot would resume after items that it never received. */
Deno.test("Progress stays during a snapshot, and moves to its version when all of it is settled", () => {
  const progress = new Progress();
  progress.hold();
  const items = [progress.begin(5), progress.begin(900), progress.begin(30)];
  items[0]?.();
  items[1]?.();
  assert.equal(progress.cursor, 0);
  progress.receivedUpTo(1_000);
  assert.equal(progress.cursor, 0, "one item is open");
  const change = progress.begin(1_001);
  change();
  assert.equal(progress.cursor, 0);
  items[2]?.();
  assert.equal(progress.cursor, 1_001);
});

Deno.test("Progress keeps its cursor when a stream ends in the middle of a snapshot", () => {
  const progress = new Progress();
  progress.resume(100);
  progress.hold();
  progress.begin(900)();
  progress.hold();
  progress.begin(101)();
  assert.equal(progress.cursor, 100);
  progress.receivedUpTo(101);
  assert.equal(progress.cursor, 101);
});

Deno.test("Progress does not return to a lost history when one of its changes settles late", () => {
  const progress = new Progress();
  progress.receivedUpTo(90);
  const old = progress.begin(100);
  progress.startOver();
  progress.hold();
  const item = progress.begin(3);
  progress.receivedUpTo(5);
  item();
  assert.equal(progress.cursor, 0, "the change of the lost history is still under way");
  old();
  assert.equal(progress.cursor, 5);
});
