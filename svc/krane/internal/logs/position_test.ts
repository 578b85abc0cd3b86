import assert from "node:assert/strict";
import { OutputPosition } from "./position.ts";

/** The places of lines with these times, as `time.ordinal`; a dash for a line that was read before. */
function takeAll(position: OutputPosition, ...times: number[]): string[] {
  position.begin();
  return times.map((time) => {
    const place = position.take(BigInt(time));
    return place === undefined ? "-" : `${place.timeNs}.${place.ordinal}`;
  });
}

Deno.test("a position numbers lines with the same time, from the beginning on", () => {
  const position = new OutputPosition(undefined);
  assert.deepEqual(takeAll(position, 0, 5, 5, 5, 6), ["0.0", "5.0", "5.1", "5.2", "6.0"]);
  assert.equal(position.lastNs, 6n);
});

Deno.test("a position passes over lines that were read before, in each reading", () => {
  const position = new OutputPosition(undefined);
  takeAll(position, 5, 6, 6);
  assert.deepEqual(takeAll(position, 5, 6, 6, 6, 7), ["-", "-", "-", "6.2", "7.0"]);
  assert.deepEqual(takeAll(position, 7, 7), ["-", "7.1"]);
  assert.deepEqual(takeAll(position, 9), ["9.0"], "lines of the last time may be gone");
});

Deno.test("a position of an earlier process takes the lines of its time again", () => {
  const position = new OutputPosition(5n);
  assert.deepEqual(takeAll(position, 4, 5, 5, 6), ["-", "5.0", "5.1", "6.0"]);
});

Deno.test("a position keeps the order of lines when the clock is set back", () => {
  const position = new OutputPosition(undefined);
  assert.deepEqual(takeAll(position, 8, 3, 4, 8, 9), ["8.0", "8.1", "8.2", "8.3", "9.0"]);
  const resumed = new OutputPosition(8n);
  assert.deepEqual(takeAll(resumed, 8, 3, 8, 9), ["8.0", "8.1", "8.2", "9.0"]);
});

Deno.test("a line of the agent's own moves no reading, and keeps the order", () => {
  const position = new OutputPosition(undefined);
  assert.deepEqual(takeAll(position, 5), ["5.0"]);
  assert.deepEqual(position.insert(9n), { timeNs: 9n, ordinal: 0 });
  assert.equal(position.lastNs, 5n, "what came between the two is still to be read");
  assert.deepEqual(takeAll(position, 5, 7, 9, 10), ["-", "9.1", "9.2", "10.0"]);
});
