import assert from "node:assert/strict";
import { silentLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { OutputFollowers } from "./output_followers.ts";
import { FakeEngine } from "./testing_engine.ts";

const LINE = "x".repeat(8_000);
const STATE = {
  status: "running",
  startedAt: "2026-01-01T00:00:00Z",
  exitCode: 0,
  oomKilled: false,
  error: "",
  finishedAt: "",
} as const;

/** Lines as the engine sends them, each a nanosecond after the one before. */
function frames(from: number, count: number): Response {
  const encoder = new TextEncoder();
  const parts = Array.from({ length: count }, (_, at) => {
    const text = encoder.encode(`2026-01-01T00:00:00.${String(from + at).padStart(9, "0")}Z ${LINE}\n`);
    const frame = new Uint8Array(8 + text.length);
    frame[0] = 1;
    new DataView(frame.buffer).setUint32(4, text.length);
    frame.set(text, 8);
    return frame;
  });
  return new Response(new Blob(parts));
}

Deno.test("reading an app that never stops to print takes a tenth of the time, until it has ended", async () => {
  const clock = new ManualClock();
  let [printed, looks, isPrinting] = [600, 0, true];
  const engine = new FakeEngine(async ({ query = {} }) => {
    if (query["follow"] === "1") return frames(1, 600);
    if (query["tail"] !== undefined || query["since"] === undefined) return frames(1, 1);
    looks++;
    await clock.sleep(1_000);
    if (!isPrinting) return frames(printed, 1);
    printed += 300;
    return frames(printed - 300, 300);
  });
  const sink = { push: () => undefined, resumeFrom: () => undefined, forget: () => undefined };
  const followers = new OutputFollowers({ engine, sink, clock, log: silentLogger() });
  followers.ensure({ id: "a", name: "app-0", state: STATE }, "d_1");
  await clock.advance(35_000);
  assert.equal(looks, 4, "a second of reading is paid for with nine of rest");
  isPrinting = false;
  const read = followers.finished("a");
  await clock.advance(1_500);
  await read;
  assert.equal(looks, 5, "the end of the run ends the pause");
  await followers.close();
});
