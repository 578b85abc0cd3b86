import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { testMetrics } from "../metrics/testing.ts";
import { serveMetrics } from "./mod.ts";

const base = { host: "127.0.0.1", clock: systemClock(), log: silentLogger() };

Deno.test("the port of metrics answers scrapes, and its own health", async () => {
  using test = await testMetrics();
  const server = await serveMetrics(test.registry, { ...base, port: 0, from: ["127.0.0.0/8"] });
  try {
    const url = `http://127.0.0.1:${server.port}`;
    const answer = await fetch(`${url}/metrics`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    assert.match(await answer.text(), /^process_resident_memory_bytes\{part="process"\} \d+$/m);
    const health = await fetch(`${url}/health/live`);
    assert.deepEqual([health.status, await health.json()], [200, { status: "alive" }]);
  } finally {
    await server.close();
  }
});

Deno.test("the port of metrics is an unknown path for addresses that the setting does not name", async () => {
  using test = await testMetrics();
  const server = await serveMetrics(test.registry, { ...base, port: 0, from: ["192.0.2.0/24"] });
  try {
    const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`);
    assert.equal(answer.status, 404);
    assert.doesNotMatch(await answer.text(), /process_/);
  } finally {
    await server.close();
  }
});

Deno.test("the port of metrics believes no address in a header", async () => {
  using test = await testMetrics();
  const server = await serveMetrics(test.registry, { ...base, port: 0, from: ["192.0.2.0/24"] });
  try {
    const headers = { "x-forwarded-for": "192.0.2.7", "x-real-ip": "192.0.2.7", forwarded: "for=192.0.2.7" };
    const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`, { headers });
    assert.equal(answer.status, 404);
    await answer.body?.cancel();
  } finally {
    await server.close();
  }
});

Deno.test("a port of metrics that is taken is a fault that names the setting", async () => {
  using test = await testMetrics();
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const opened = serveMetrics(test.registry, { ...base, port: taken.addr.port, from: [] });
    await assert.rejects(opened, (error) => {
      assert.ok(isFault(error, "failed_precondition"));
      assert.match(error.publicMessage ?? "", /--prometheus-port \(UNKEY_PROMETHEUS_PORT\)/);
      return true;
    });
  } finally {
    taken.close();
  }
});
