import assert from "node:assert/strict";
import { Progress } from "./progress.ts";

Deno.test("Progress moves the cursor only past what is settled, in whatever order that happens", () => {
  const progress = new Progress(10);
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

/** Otherwise an agent that dies in the middle of a snapshot would resume behind items that it never got. */
Deno.test("Progress does not move during a snapshot, and moves to its end when all of it is settled", () => {
  const progress = new Progress(0);
  progress.hold();
  const items = [progress.begin(5), progress.begin(900), progress.begin(30)];
  items[0]?.();
  items[1]?.();
  assert.equal(progress.cursor, 0);
  progress.begin(1000)();
  progress.release();
  assert.equal(progress.cursor, 0, "one item is open");
  const change = progress.begin(1001);
  change();
  assert.equal(progress.cursor, 0);
  items[2]?.();
  assert.equal(progress.cursor, 1001);
});

Deno.test("Progress keeps its cursor when a stream ends in the middle of a snapshot", () => {
  const progress = new Progress(100);
  progress.hold();
  progress.begin(900)();
  progress.hold();
  progress.begin(101)();
  assert.equal(progress.cursor, 100);
  progress.release();
  assert.equal(progress.cursor, 101);
});
