import assert from "node:assert/strict";
import { type BuildEvent, BuildProgress } from "./build_progress.ts";
import type { Vertex } from "./build_trace.ts";

const vertex = (changes: Partial<Vertex>): Vertex => ({
  digest: "v",
  name: "[1/1] RUN x",
  cached: false,
  started: true,
  completed: false,
  error: "",
  ...changes,
});

function run(feed: (progress: BuildProgress, say: (text: string, stream?: number) => void) => void) {
  const events: BuildEvent[] = [];
  const progress = new BuildProgress((event) => events.push(event));
  progress.push({ vertexes: [vertex({})], outputs: [] });
  const say = (text: string, stream = 1): void =>
    progress.push({
      vertexes: [],
      outputs: [{ vertex: "v", stream, bytes: new TextEncoder().encode(text) }],
    });
  feed(progress, say);
  const lines = events.flatMap((each) => each.kind === "log" ? each.lines : []);
  return { events, lines, record: progress.record() };
}

Deno.test("BuildProgress gives whole lines per stream, and what a progress bar showed last", () => {
  const { lines } = run((progress, say) => {
    say("one\ntw");
    say("err\n", 2);
    say("o\n10%\r50%\r100%\r\n");
    say("no newline");
    progress.push({ vertexes: [vertex({ completed: true })], outputs: [] });
  });
  assert.deepEqual(lines, ["one", "err", "two", "100%", "no newline"]);
});

Deno.test("BuildProgress bounds the length of lines and their number, and keeps the last ones of a failing step", () => {
  const { lines, record } = run((progress, say) => {
    say(`${"x".repeat(10_000)}\n`);
    for (let block = 0; block < 25; block++) say("y\n".repeat(1_000));
    say("the reason\n");
    progress.push({ vertexes: [vertex({ error: "exit code: 1" })], outputs: [] });
  });
  assert.ok(lines.length <= 20_001);
  assert.ok(lines.every((line) => line.length <= 4_096));
  assert.match(lines.at(-1) ?? "", /more than 20000 lines/);
  assert.equal(record.failed?.lastLines.length, 20);
  assert.equal(record.failed?.lastLines.at(-1), "the reason");
});

Deno.test("BuildProgress tells each step once per status, and blames the step that failed by itself", () => {
  const { events, record } = run((progress) => {
    progress.push({
      vertexes: [vertex({}), vertex({ digest: "w", name: "[other 1/1] RUN y" })],
      outputs: [],
    });
    progress.push({ vertexes: [vertex({ error: "context canceled" })], outputs: [] });
    progress.push({
      vertexes: [vertex({ digest: "w", name: "[other 1/1] RUN y", error: "exit code: 2" })],
      outputs: [],
    });
    progress.push({ vertexes: [vertex({ completed: true })], outputs: [] });
  });
  const steps = events.map((each) => each.kind === "step" ? `${each.id} ${each.status}` : "log");
  assert.deepEqual(steps, ["v running", "w running", "v failed", "w failed"]);
  assert.equal(record.failed?.name, "[other 1/1] RUN y");
});
