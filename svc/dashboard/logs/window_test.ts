import assert from "node:assert/strict";
import { isAtEnd, LINE_HEIGHT, placeInView, visibleLines } from "./window.ts";

Deno.test("visibleLines() has what can be seen with some lines around, wherever it is scrolled to", () => {
  assert.deepEqual(visibleLines(0, 200, 100_000), { first: 0, end: 30 });
  assert.deepEqual(visibleLines(50_000 * LINE_HEIGHT, 200, 100_000), { first: 49_980, end: 50_030 });
  assert.deepEqual(visibleLines(100_000 * LINE_HEIGHT, 200, 100_000), { first: 99_980, end: 100_000 });
  assert.deepEqual(visibleLines(0, 200, 0), { first: 0, end: 0 });
  assert.deepEqual(visibleLines(1_000, 200, 3), { first: 3, end: 3 }, "scrolled when there were more");
  for (let top = 0; top < 4_000; top += 37) {
    const { first, end } = visibleLines(top, 300, 250);
    assert.ok(first <= end && end <= 250 && end - first <= 57);
    assert.ok(first <= Math.floor(top / LINE_HEIGHT));
    assert.ok(end >= Math.min(250, Math.ceil((top + 300) / LINE_HEIGHT)));
  }
});

Deno.test("isAtEnd() lets the last line be cut in half", () => {
  assert.equal(isAtEnd(800, 200, 1_000), true);
  assert.equal(isAtEnd(785, 200, 1_000), true);
  assert.equal(isAtEnd(700, 200, 1_000), false);
  assert.equal(isAtEnd(0, 200, 100), true);
});

Deno.test("placeInView() moves a box only for a line that cannot be seen", () => {
  assert.equal(placeInView(5, 40, 200), 40);
  assert.equal(placeInView(1, 40, 200), 20);
  assert.equal(placeInView(20, 40, 200), 220);
});
