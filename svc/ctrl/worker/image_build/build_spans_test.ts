import assert from "node:assert/strict";
import type { BuildEvent } from "../../../../pkg/build/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { stepSpanId } from "../../internal/store/mod.ts";
import { BuildSpans } from "./build_spans.ts";

function open() {
  const clock = new ManualClock();
  const begunMs = clock.now();
  const spans = new BuildSpans({ clock, deploymentId: "d_1", buildId: "b_1" });
  const step = async (
    id: string,
    status: Extract<BuildEvent, { kind: "step" }>["status"],
    name = `[${id}]`,
  ) => {
    await clock.advance(10);
    spans.take({ kind: "step", id, name, status });
  };
  const shown = () =>
    spans.end().map(({ name, status, startedAtMs, endedAtMs }) => [
      name,
      status,
      startedAtMs - begunMs,
      endedAtMs - begunMs,
    ]);
  return { clock, spans, step, shown };
}

Deno.test("steps of a builder are spans of the building step, with what the cache had", async () => {
  const { spans, step, shown } = open();
  await step("from", "running");
  await step("from", "done");
  await step("from", "cached");
  await step("copy", "cached");
  await step("run", "running");
  spans.take({ kind: "log", stepName: "[run]", lines: ["hello"] });
  await step("run", "failed");
  await step("push", "running", "pushing registry/shop");
  await step("push", "done", "pushing registry/shop");
  assert.deepEqual(shown(), [
    ["[from]", "done", 10, 20],
    ["[copy]", "cached", 40, 40],
    ["[run]", "failed", 50, 60],
    ["push", "done", 70, 80],
  ]);
  assert.ok(spans.end().every(({ parentId }) => parentId === stepSpanId("d_1", "building")));
  assert.equal(spans.end().at(-1)?.detail, "pushing registry/shop");
});

Deno.test("steps that a cancel broke off have failed, up to then", async () => {
  const { clock, step, shown } = open();
  await step("run", "running");
  await clock.advance(500);
  assert.deepEqual(shown(), [["[run]", "failed", 10, 510]]);
});

Deno.test("names and the number of steps are bounded", async () => {
  const { step, shown, spans } = open();
  await step("long", "done", `RUN \x1b[31m${"x".repeat(5_000)}`);
  for (let index = 0; index < 300; index++) await step(`s${index}`, "done");
  assert.equal(shown().length, 200);
  const [first] = spans.end();
  assert.equal(first?.name.length, 120);
  assert.ok(!first?.name.includes("\x1b"));
});
