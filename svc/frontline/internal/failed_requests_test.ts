import assert from "node:assert/strict";
import { FailedRequests, isFailedRequest } from "./failed_requests.ts";

const T = 1_000_000;

Deno.test("FailedRequests reports nothing without a move, and the failures around a move by slots that are over", () => {
  const failed = new FailedRequests();
  failed.note("d_1", "edge", T);
  assert.equal(failed.take(T + 300), undefined);
  failed.note("d_1", "edge", T + 310);
  failed.note("d_1", "instance", T + 320);
  failed.note("d_other", "edge", T + 320);
  failed.moved("d_1", "d_2", T + 400);
  failed.note("d_2", "instance", T + 499);
  failed.note("d_2", "instance", T + 501);
  const slot = T / 250;
  assert.deepEqual(failed.take(T + 510), {
    countedSlot: slot + 1,
    countedMsAgo: 10,
    slots: [
      { slot, deploymentId: "d_1", byEdge: 1, byInstance: 0 },
      { slot: slot + 1, deploymentId: "d_1", byEdge: 1, byInstance: 1 },
      { slot: slot + 1, deploymentId: "d_2", byEdge: 0, byInstance: 1 },
    ],
  });
  assert.deepEqual(failed.take(T + 760)?.slots, [
    { slot: slot + 2, deploymentId: "d_2", byEdge: 0, byInstance: 1 },
  ], "a slot is reported once, when it is over");
});

Deno.test("FailedRequests reports again what did not arrive", () => {
  const failed = new FailedRequests();
  failed.moved(undefined, "d_1", T);
  failed.note("d_1", "edge", T);
  const first = failed.take(T + 250);
  assert.ok(first !== undefined && first.slots.length === 1);
  failed.failed(first);
  assert.deepEqual(failed.take(T + 500)?.slots, first.slots);
  assert.deepEqual(failed.take(T + 750)?.slots, []);
});

Deno.test("FailedRequests asks for one report of its own, when the requests around a move have ended", () => {
  const failed = new FailedRequests();
  assert.equal(failed.isDue(T), false);
  failed.moved("d_1", "d_2", T);
  assert.deepEqual([failed.isDue(T + 2_749), failed.isDue(T + 2_750)], [false, true]);
  assert.ok(failed.take(T + 2_750));
  assert.equal(failed.isDue(T + 99_000), false);
  assert.ok(failed.take(T + 45_000), "heartbeats report until the receipt is final");
  assert.equal(failed.take(T + 45_001), undefined);
});

Deno.test("FailedRequests sends at most 1,000 slots at once, and the others with the next report", () => {
  const failed = new FailedRequests();
  for (let n = 0; n < 600; n++) {
    failed.moved(undefined, `d_${n}`, T);
    failed.note(`d_${n}`, "edge", T);
    failed.note(`d_${n}`, "edge", T + 250);
  }
  const slot = T / 250;
  const first = failed.take(T + 1_000);
  assert.deepEqual([first?.slots.length, first?.countedSlot], [1_000, slot]);
  const second = failed.take(T + 1_000);
  assert.deepEqual([second?.slots.length, second?.countedSlot], [200, slot + 3]);
});

Deno.test("FailedRequests forgets after 35 s, and keeps no more than it may", () => {
  const failed = new FailedRequests();
  failed.note("d_1", "edge", T);
  failed.note("d_1", "edge", T + 35_250);
  failed.moved(undefined, "d_1", T + 35_250);
  assert.equal(failed.take(T + 35_500)?.slots.length, 1);
  const many = new FailedRequests();
  for (let n = 0; n < 30_000; n++) many.note(`d_${n}`, "edge", T + Math.floor(n / 1_000) * 250);
  many.moved("d_9999", "d_29999", T + 7_500);
  assert.deepEqual(many.take(T + 8_000)?.slots.map(({ deploymentId }) => deploymentId), ["d_29999"]);
});

Deno.test("a request that the client broke, or that is not of one app, is no failed request", () => {
  const report = { status: 503, cut: false } as const;
  assert.equal(isFailedRequest({ ...report, kind: "no_instance" }), true);
  assert.equal(isFailedRequest({ ...report, kind: "too_many_requests" }), true);
  assert.equal(isFailedRequest({ kind: "upstream_closed", status: 502, cut: true }), true);
  assert.equal(isFailedRequest({ ...report, kind: "too_many_connections" }), false);
  assert.equal(isFailedRequest({ kind: "not_implemented", status: 501, cut: false }), false);
  assert.equal(isFailedRequest({ kind: "bad_request", status: 400, cut: false }), false);
  assert.equal(isFailedRequest({ kind: "unknown_host", status: 404, cut: false }), false);
});
