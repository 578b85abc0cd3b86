import assert from "node:assert/strict";
import { DeploymentTraffic } from "./deployment_traffic.ts";
import { Traffic } from "./traffic.ts";

Deno.test("a deployment's requests are counted by status, time and concurrency, and begin at none after each interval", () => {
  const traffic = new DeploymentTraffic("d", 0);
  assert.equal(traffic.take(1_000), undefined);
  traffic.begun(1_000);
  traffic.begun(2_000);
  traffic.responded(200, 3);
  traffic.moved(10, 20);
  traffic.ended(3_000);
  traffic.responded(500, 40);
  traffic.cut();
  traffic.ended(4_000);
  traffic.begun(5_000);
  traffic.failed(503);
  traffic.ended(5_000);
  traffic.begun(6_000);
  traffic.cancelled();
  traffic.ended(6_000);
  traffic.begun(9_000);
  assert.deepEqual(traffic.take(11_000, 500), {
    deploymentId: "d",
    responses: [0, 1, 0, 0, 2],
    failedByEdge: 1,
    cutOff: 1,
    cancelled: 1,
    receivedBytes: 10,
    sentBytes: 20,
    busyMs: 6_000,
    concurrencyMax: 2,
    concurrencyNow: 1,
    lastRequestAtMs: 9_500,
    latencyBuckets: [3, 26],
    latencyCounts: [1, 1],
  });
  const next = traffic.take(12_000);
  assert.deepEqual([next?.busyMs, next?.concurrencyMax, next?.concurrencyNow], [1_000, 1, 1]);
  traffic.ended(12_500);
  assert.equal(traffic.take(13_000), undefined, "a request that was counted before is not counted again");
});

Deno.test("an interval is closed once, and the next one has what came after it", () => {
  const traffic = new Traffic("run");
  const request = (id: string): void => {
    const counters = traffic.of(id, 0);
    counters?.begun(0);
    counters?.responded(200, 1);
    counters?.ended(0);
  };
  request("d");
  assert.equal(traffic.restMs(13_000), 7_000);
  traffic.close(20_001);
  request("d");
  traffic.close(20_005);
  const first = traffic.next();
  assert.deepEqual([first?.startedAtMs, first?.processId, first?.deployments.length], [10_000, "run-0", 1]);
  if (first !== undefined) traffic.sent(first);
  assert.equal(traffic.next(), undefined);
  traffic.close(30_000);
  request("e");
  traffic.close(33_000, { isLast: true });
  assert.equal(traffic.next()?.startedAtMs, 20_000);
  const [second, third] = [traffic.next(), undefined];
  if (second !== undefined) traffic.sent(second);
  assert.deepEqual(
    [third, traffic.next()?.startedAtMs],
    [undefined, 30_000],
    "the last interval is cut short",
  );
});

Deno.test("an edge goes by the control plane's clock, and is another process from then on", () => {
  const traffic = new Traffic("run");
  const use = (): void => traffic.of("d", 0)?.failed(503);
  use();
  traffic.close(100_000);
  traffic.follow(102_000, 100_000);
  use();
  traffic.close(110_000);
  traffic.follow(60_000, 110_000);
  use();
  traffic.close(120_000);
  const seen: unknown[] = [];
  for (let batch = traffic.next(); batch !== undefined; batch = traffic.next()) {
    seen.push([batch.processId, batch.startedAtMs]);
    traffic.sent(batch);
  }
  assert.deepEqual(seen, [["run-0", 90_000], ["run-0", 100_000], ["run-1", 60_000]]);
});

Deno.test("many deployments come in batches, and what waits for the control plane is bounded", () => {
  const traffic = new Traffic("run");
  for (let at = 0; at < 25_000; at++) traffic.of(`d${at}`, 0)?.failed(503);
  assert.equal(traffic.of("one more", 0), undefined);
  traffic.close(10_000);
  let batches = 0;
  for (let batch = traffic.next(); batch !== undefined; batch = traffic.next()) {
    assert.ok(batch.deployments.length <= 1_000);
    traffic.sent(batch);
    batches++;
  }
  assert.equal(batches, 20);
  for (let interval = 2; interval <= 60; interval++) {
    for (let at = 0; at < 2_000; at++) traffic.of(`d${at}`, 0)?.failed(503);
    traffic.close(interval * 10_000);
  }
  const oldest = traffic.next()?.startedAtMs ?? 0;
  assert.equal(oldest, 59 * 10_000 - 49 * 10_000, "100,000 rows are kept");
  assert.notEqual(traffic.of("one more", 0), undefined, "the counters of quiet deployments are gone");
});
