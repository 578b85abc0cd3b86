import assert from "node:assert/strict";
import { testMetrics } from "../../../pkg/metrics/testing.ts";
import { EdgeCounts, type ShownEdge, watchEdge } from "./metrics.ts";

function edgeOf(counts: EdgeCounts, firstEnd: { atMs: number | undefined }): ShownEdge {
  return {
    counts,
    proxy: { connections: 4 },
    table: { size: 9 },
    certificates: { size: 2, firstEndAtMs: () => firstEnd.atMs },
    ready: true,
    stopping: false,
  };
}

Deno.test("an edge shows its counts once each, however often it is scraped", async () => {
  using test = await testMetrics("frontline");
  const counts = new EdgeCounts();
  watchEdge(test.metrics, { edge: edgeOf(counts, { atMs: undefined }), version: () => 33 });
  counts.response(200);
  counts.response(200);
  counts.response(499);
  counts.failure("unknown_host");
  counts.dials.failed++;
  counts.responded?.(20);
  await test.registry.render();
  counts.response(200);
  assert.deepEqual(await test.read("unkey_frontline_responses_total"), {
    'status="200"': 3,
    'status="499"': 1,
  });
  assert.deepEqual(await test.read("unkey_frontline_failures_total"), { 'kind="unknown_host"': 1 });
  assert.deepEqual(await test.read("unkey_frontline_dials_total"), {
    'result="ok"': 0,
    'result="failed"': 1,
  });
  assert.deepEqual(await test.read("unkey_frontline_response_seconds_sum"), { "": 0.02 });
  assert.deepEqual(await test.read("unkey_frontline_connections"), { "": 4 });
  assert.deepEqual(await test.read("unkey_frontline_routes"), { "": 9 });
  assert.deepEqual(await test.read("unkey_frontline_routes_version"), { "": 33 });
  assert.deepEqual(await test.read("unkey_frontline_ready"), { "": 1 });
});

Deno.test("one of eight responses is timed, the first of them", async () => {
  using test = await testMetrics("frontline");
  const counts = new EdgeCounts();
  watchEdge(test.metrics, { edge: edgeOf(counts, { atMs: undefined }), version: () => 1 });
  for (let i = 0; i < 17; i++) counts.responded?.(i === 0 ? 5_000 : 1);
  assert.deepEqual(await test.read("unkey_frontline_response_seconds_count"), { "": 3 });
  const [sum] = Object.values(await test.read("unkey_frontline_response_seconds_sum"));
  assert.ok((sum ?? 0) > 5);
});

Deno.test("the end of a certificate is shown while there is one", async () => {
  using test = await testMetrics("frontline");
  const firstEnd: { atMs: number | undefined } = { atMs: 7_000 };
  watchEdge(test.metrics, { edge: edgeOf(new EdgeCounts(), firstEnd), version: () => 1 });
  const name = "unkey_frontline_certificate_first_end_timestamp_seconds";
  assert.deepEqual(await test.read(name), { "": 7 });
  firstEnd.atMs = undefined;
  assert.deepEqual(await test.read(name), {});
});
