/** Output as apps print it, read from a real engine. */
import assert from "node:assert/strict";
import { apply, shell, until } from "./testing.ts";
import { engineTest } from "./testing_bench.ts";

engineTest("a line of 20 kB, and one with a NUL, are shipped whole", async (bench) => {
  const { plane } = bench;
  await bench.agent();
  const script = `head -c 20000 /dev/zero | tr '\\0' x; echo; printf 'before\\0after\\n'; sleep 600 & wait`;
  await plane.snapshot(0, 1, apply(bench.name(), 1, { command: shell(script) }));
  await until("the lines", () => plane.lines.length >= 2);
  assert.deepEqual(plane.lines.map((each) => each.text), ["x".repeat(20_000), "before\0after"]);
});

/**
 * The engine keeps 30 MB; a reader that its rotation overtakes gets nothing any more, or jumps to the newest file without a
 * word.
 */
engineTest("a line comes that an app prints after 60 MB at full speed", async (bench) => {
  const { plane } = bench;
  await bench.agent();
  const line = "y".repeat(90);
  const script = `awk 'BEGIN { for (n = 1; n <= 600000; n++) print n " ${line}" }'; echo flooded; ` +
    `while true; do echo "after the flood"; sleep 1 & wait $!; done`;
  const spec = { command: shell(script), cpuMillicores: 2_000n };
  await plane.snapshot(0, 1, apply(bench.name(), 1, spec));
  await until("a line after the flood", () => plane.lines.at(-1)?.text === "after the flood");
  const times = plane.lines.map((each) => each.timeNs ?? 0n);
  assert.ok(times.every((time, n) => n === 0 || time >= (times[n - 1] ?? 0n)), "lines come in order");
  assert.deepEqual(unmarkedGaps(plane.lines.map(({ text = "" }) => text)), []);
});

/** The numbers after which lines are missing although no line of the agent's says so. */
function unmarkedGaps(texts: readonly string[]): number[] {
  const gaps: number[] = [];
  let [last, isMarked] = [0, false];
  for (const text of texts) {
    if (/^\(unkey: .*(?:is missing|were dropped)/.test(text)) isMarked = true;
    const number = text === "flooded" ? 600_001 : Number(/^(\d+) y/.exec(text)?.[1] ?? 0);
    if (number === 0) continue;
    if (number !== last + 1 && !isMarked) gaps.push(last);
    [last, isMarked] = [number, false];
  }
  return gaps;
}
