import assert from "node:assert/strict";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { ClientTrace } from "./client_trace.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

function open(parent?: string) {
  const clock = new ManualClock();
  const startedAtMs = clock.now() - 250.7;
  const env = (name: string) => name === "TRACEPARENT" ? parent : undefined;
  return { clock, startedAtMs, trace: new ClientTrace({ clock, startedAtMs, env }) };
}

Deno.test("a command reports its parts with whole times, and when it was sent", async () => {
  const { clock, startedAtMs, trace } = open();
  const begunMs = clock.now();
  const answer = await trace.during("connect", async () => {
    await clock.advance(30);
    return "answer";
  });
  assert.equal(answer, "answer");
  await clock.advance(12);
  trace.add("upload", clock.now() - 12, "1.2 MB");
  const { startedAt, sentAt, spans } = trace.message();
  assert.deepEqual([startedAt, sentAt], [BigInt(Math.round(startedAtMs)), BigInt(begunMs + 42)]);
  assert.deepEqual(spans, [
    {
      key: "connect 0",
      name: "connect",
      detail: "",
      startedAt: BigInt(begunMs),
      endedAt: BigInt(begunMs + 30),
    },
    {
      key: "upload 1",
      name: "upload",
      detail: "1.2 MB",
      startedAt: BigInt(begunMs + 30),
      endedAt: BigInt(begunMs + 42),
    },
  ]);
});

Deno.test("a failed part is no span, and its error stays", async () => {
  const { trace } = open();
  await assert.rejects(trace.during("connect", () => Promise.reject(new Error("away"))), /away/);
  assert.deepEqual(trace.message().spans, []);
});

Deno.test("a deploy joins the trace that its command runs in, if that is one", () => {
  assert.deepEqual(open(PARENT).trace.headers, { traceparent: PARENT });
  for (const parent of [undefined, "", "no trace"]) assert.deepEqual(open(parent).trace.headers, {});
});
