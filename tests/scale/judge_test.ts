import assert from "node:assert/strict";
import { judge } from "../bench/scale/judge.ts";
import type { ScaleResult } from "../bench/scale/run.ts";
import { goodRun, sample } from "./testing.ts";

Deno.test("a run is good when all deploys ended right and nothing is left", () => {
  assert.deepEqual(judge(goodRun()), []);
});

const BAD: Readonly<Record<string, readonly [Partial<ScaleResult>, RegExp]>> = {
  "a create that failed": [{ problems: ["unavailable"] }, /^a create failed: unavailable$/],
  "a deploy that failed": [{ ended: { ready: 3, failed: 1 } }, /^1 deploys ended as failed$/],
  "a deploy that is lost": [{ ended: { ready: 3 } }, /^1 of 4 deploys never ended$/],
  "a switch that no edge acknowledged": [
    {
      times: goodRun().times.map((each, n) => {
        const { "acknowledged by the edges": _, ...others } = each.ms;
        return n === 0 ? { ...each, ms: others } : each;
      }),
    },
    /^1 deploys have no time for "acknowledged by the edges"$/,
  ],
  "a predecessor that still runs": [
    { left: { ...goodRun().left, running: 1 } },
    /^1 deployments run beside those that should$/,
  ],
  "a workflow that has not ended": [{ left: { ...goodRun().left, workflows: 2 } }, /^2 workflows/],
  "an agent that is behind": [{ left: { ...goodRun().left, behind: 1 } }, /^1 agents or edges/],
  "too much memory": [
    { samples: [sample(0, 1), sample(1_000, 2, 301)] },
    /^api had 301 MiB, of at most 300$/,
  ],
  "a statement of each deploy that reads a whole table": [
    { statements: [{ text: "select 1", times: 2, rows: 600, rowsMax: 300, seconds: 1 }] },
    /^2 times a statement read at least 80 rows, 300 at most: select 1$/,
  ],
};

for (const [name, [changes, expected]] of Object.entries(BAD)) {
  Deno.test(`a run is not good with ${name}`, () => {
    const problems = judge(goodRun(changes));
    assert.match(problems.find((each) => expected.test(each)) ?? problems.join("; "), expected);
  });
}

Deno.test("a sweep that reads a table now and then is no problem of a run", () => {
  const statements = [{ text: "select 1", times: 1, rows: 600, rowsMax: 600, seconds: 1 }];
  assert.deepEqual(judge(goodRun({ statements })), []);
});
