import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { ReportedSpanSchema } from "../../../../proto/gen/ctrl/v1/trace_pb.ts";
import { clockOffsetMs, readSpans } from "./reported.ts";

const NOW = 1_760_000_000_000;
const reporter = { source: "region", region: "eu", sentAtMs: NOW - 20, nowMs: NOW, spansMax: 2 } as const;

function span(changes: object = {}) {
  const times = { startedAt: BigInt(NOW - 500), endedAt: BigInt(NOW - 100) };
  return create(ReportedSpanSchema, { key: "pull", name: "pull", ...times, ...changes });
}

Deno.test("a report's time on its way is no difference of clocks, more than a second is", () => {
  for (
    const [sentAtMs, offsetMs] of [
      [0, 0],
      [NOW, 0],
      [NOW - 1_000, 0],
      [NOW - 1_001, 1_001],
      [NOW + 1, -1],
      [NOW + 3_600_000, -3_600_000],
    ] as const
  ) assert.equal(clockOffsetMs({ sentAtMs, nowMs: NOW }), offsetMs);
});

Deno.test("times of a reporter whose clock is an hour ahead are those of the control plane", () => {
  const hour = 3_600_000n;
  const ahead = span({ startedAt: BigInt(NOW - 500) + hour, endedAt: BigInt(NOW - 100) + hour });
  const [read] = readSpans([ahead], { ...reporter, sentAtMs: NOW + 3_600_000 });
  assert.deepEqual([read?.startedAtMs, read?.endedAtMs], [NOW - 500, NOW - 100]);
});

Deno.test("spans that are too many, too long or not of this time are cut", () => {
  const long = span({ name: "n\n".repeat(500), detail: "ä".repeat(500), endedAt: BigInt(NOW + 9_000) });
  const old = span({ startedAt: 5n });
  const [first, second, third] = readSpans([long, old, span()], reporter);
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(third, undefined);
  assert.equal(first.name, "n ".repeat(60));
  assert.equal(new TextEncoder().encode(first.detail).length, 200);
  assert.equal(first.endedAtMs, NOW);
  assert.equal(second.startedAtMs, NOW - 7 * 86_400_000);
});

Deno.test("spans of two regions with one key are two spans", () => {
  const keys = ["eu", "us"].map((region) => readSpans([span()], { ...reporter, region })[0]?.key);
  assert.deepEqual(keys, ["eu pull", "us pull"]);
});
