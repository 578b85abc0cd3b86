import assert from "node:assert/strict";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { createLogger } from "../../../../pkg/logger/mod.ts";
import { callEachMinute } from "./periodic_call.ts";

const CALL = { service: "hydra.v1.ThingService", handler: "LookForThings", name: "things" };

Deno.test("a periodic call has one key in each minute, and goes on after a failure", async () => {
  const seen: string[] = [];
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
  await using ingress: Deno.HttpServer<Deno.NetAddr> = Deno.serve(options, async (request) => {
    await request.body?.cancel();
    const key = request.headers.get("idempotency-key");
    if (key === "things-8") return new Response("away", { status: 503 });
    seen.push(`${new URL(request.url).pathname} ${key}`);
    return Response.json({ invocationId: "inv", status: "Accepted" }, { status: 202 });
  });
  const stop = new AbortController();
  const lines: string[] = [];
  const log = createLogger({ service: "test", level: "info", write: (line) => lines.push(line) });
  let nowMs = 60_000 * 7 + 59_000;
  /** The first wait ends within the same minute; the stop comes during the last one. */
  const waits = [500, 60_000, 60_000];
  const clock: Clock = {
    now: () => nowMs,
    sleep(_ms, signal) {
      const wait = waits.shift();
      if (wait === undefined) stop.abort();
      nowMs += wait ?? 0;
      return signal?.aborted === true ? Promise.reject(signal.reason) : Promise.resolve();
    },
  };
  const ingressUrl = `http://127.0.0.1:${ingress.addr.port}`;
  const impatient = { now: clock.now, sleep: () => Promise.resolve() };
  const deps = { clock, log, ingress: { ingressUrl, clock: impatient, timeoutMs: 5_000 } };
  await callEachMinute(deps, CALL, stop.signal);
  const path = "/hydra.v1.ThingService/global/LookForThings/send";
  assert.deepEqual(seen, [`${path} things-7`, `${path} things-7`, `${path} things-9`]);
  assert.match(lines.join("\n"), /"periodic call not sent","call":"things"/);
});
