import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { testMetrics } from "../metrics/testing.ts";
import { FeedClient, type FeedMessage } from "./mod.ts";

const TIMES = { heartbeatTimeoutMs: 60_000, retryFirstMs: 1, retryMsMax: 1 };

Deno.test("a watch shows its stream, its versions, and the ends of its streams", async () => {
  using test = await testMetrics();
  const stop = new AbortController();
  const up = Promise.withResolvers<void>();
  let streams = 0;
  const client = new FeedClient<FeedMessage<string>, string>({
    name: "route",
    async *open(_cursor, signal) {
      streams++;
      if (streams === 1) throw new Fault("unavailable", "away");
      yield { kind: "snapshot_end", version: 7, resources: 0 };
      if (streams === 2) return;
      yield { kind: "change", version: 9, resource: "a", removes: false, change: "new" };
      up.resolve();
      await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
    },
    decode: (message) => message,
    // The change stays open: it was received, and is not applied.
    consumer: { apply: () => undefined, reportProblem: () => undefined, removals: () => [] },
    times: TIMES,
    clock: systemClock(),
    log: silentLogger(),
    metrics: test.metrics,
  });
  assert.deepEqual(await test.read("unkey_watch_connected"), { 'watch="route"': 0 });
  const running = client.run(stop.signal);
  await up.promise;
  assert.deepEqual(await test.read("unkey_watch_connected"), { 'watch="route"': 1 });
  assert.deepEqual(await test.read("unkey_watch_cursor"), { 'watch="route"': 7 });
  assert.deepEqual(await test.read("unkey_watch_observed"), { 'watch="route"': 9 });
  stop.abort();
  await running;
  assert.deepEqual(await test.read("unkey_watch_streams_total"), {
    'watch="route",code="unavailable"': 1,
    'watch="route",code="ok"': 1,
  });
});
