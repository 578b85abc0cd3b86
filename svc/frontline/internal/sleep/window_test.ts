import assert from "node:assert/strict";
import { Window } from "./window.ts";

/** Lets in as many as may go, answers each after `tookMs`, so often, and returns how many went in the last round. */
function rounds(window: Window, tookMs: (size: number) => number, count: number): number {
  let nowMs = 0;
  let size = 0;
  for (let round = 0; round < count; round++) {
    const answered: ((nowMs: number) => void)[] = [];
    while (window.hasRoom(1)) answered.push(window.enter(nowMs));
    size = answered.length;
    nowMs += tookMs(size);
    for (const each of answered) each(nowMs);
  }
  return size;
}

Deno.test("a window begins with few requests, and doubles while their answers stay as fast", () => {
  assert.equal(rounds(new Window(), () => 50, 1), 4);
  assert.equal(rounds(new Window(), () => 50, 5), 64);
});

Deno.test("a window stays small where more requests at a time only take longer", () => {
  const size = rounds(new Window(), (count) => count * 10, 40);
  assert.ok(size <= 20, `${size} at a time`);
});

Deno.test("a window is that of each instance", () => {
  const window = new Window();
  for (let count = 0; count < 8; count++) {
    assert.ok(window.hasRoom(2));
    window.enter(0);
  }
  assert.ok(!window.hasRoom(2));
});

Deno.test("a window grows slowly while an app answers nothing", () => {
  const window = new Window();
  let entered = 0;
  for (let nowMs = 0; nowMs <= 3_000; nowMs += 50) {
    while (window.hasRoom(1)) {
      window.enter(nowMs);
      entered++;
    }
    window.tick(nowMs);
  }
  assert.ok(entered >= 5 && entered <= 30, `${entered}`);
});
