import assert from "node:assert/strict";
import type { ApiRequest, Cluster } from "../../../../../pkg/kube/mod.ts";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { eventually } from "../../../../../pkg/testkit/eventually.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { plainCheck } from "../../deployment/health_check.ts";
import { FailingChecks } from "./failing_checks.ts";
import { Pod } from "./objects.ts";

const REFUSED = "Readiness probe failed: dial tcp 10.1.2.3:3000: connect: connection refused";
const HANGS =
  'Readiness probe failed: Get "http://10.1.2.3:3000/up": context deadline exceeded (Client.Timeout)';
const DESIRED = { healthCheck: plainCheck("/up"), port: 3000 };

/** A cluster whose events are written by the test: those of before, and then each as it comes. */
function start() {
  const clock = new ManualClock();
  const requests: ApiRequest[] = [];
  const failures: string[] = [];
  const before: unknown[] = [];
  const watched = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  const writer = watched.writable.getWriter();
  const cluster: Cluster = {
    server: "test",
    call(request) {
      requests.push(request);
      if (request.streamed !== true) {
        return Promise.resolve(Response.json({ metadata: { resourceVersion: "9" }, items: before }));
      }
      return Promise.resolve(new Response(watched.readable));
    },
    close: () => undefined,
  };
  const log = createLogger({ service: "test", level: "error", write: () => undefined });
  const checks = new FailingChecks({ clock, cluster, log, onFailure: ({ name }) => failures.push(name) });
  const startedAtMs = clock.now();
  let version = 10;
  const event = (message: string, atMs = clock.now(), uid = "uid-1") => ({
    metadata: { name: `e-${uid}`, uid: `e-${uid}`, resourceVersion: String(++version) },
    message,
    lastTimestamp: new Date(atMs).toISOString(),
    involvedObject: { uid, namespace: "ns", name: `pod-${uid}` },
  });
  const pod = (runsSinceMs = startedAtMs - 60_000) =>
    Pod.parse({
      metadata: { name: "pod-uid-1", namespace: "ns", uid: "uid-1", resourceVersion: "1" },
      spec: { nodeName: "node-1", containers: [{ name: "deployment" }] },
      status: {
        phase: "Running",
        containerStatuses: [{
          name: "deployment",
          state: { running: { startedAt: new Date(runsSinceMs).toISOString() } },
        }],
      },
    });
  const stop = new AbortController();
  const send = async (message: string, atMs?: number, uid?: string): Promise<void> => {
    const line = JSON.stringify({ type: "MODIFIED", object: event(message, atMs, uid) });
    const sent = failures.length;
    await writer.write(new TextEncoder().encode(`${line}\n`));
    if (/Readiness/.test(message)) await eventually("the event", () => failures.length > sent);
  };
  let done: Promise<void> | undefined;
  return {
    ...{ before, checks, clock, event, failures, pod, requests, send },
    found: (each = pod(), desired = DESIRED) => checks.of(each, desired, clock.now()),
    run: () => done = checks.run(stop.signal),
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort();
      await writer.abort().catch(() => undefined);
      await done;
    },
  };
}

Deno.test("FailingChecks reports a bad answer of a pod when a second one follows, until the next check", async () => {
  await using bed = start();
  void bed.run();
  await bed.send(REFUSED);
  assert.deepEqual(bed.failures, ["pod-uid-1"]);
  assert.equal(bed.found(), undefined, "one bad answer among good ones is not reported");
  assert.equal(bed.checks.detailOf(bed.pod()), "connection refused");
  await bed.clock.advance(2_000);
  await bed.send("Readiness probe failed: HTTP probe failed with statuscode: 503");
  assert.deepEqual(bed.found(), { detail: "it answered 503", leftMs: 7_000 });
  await bed.clock.advance(6_500);
  assert.deepEqual(bed.found()?.leftMs, 500);
  await bed.clock.advance(500);
  assert.equal(bed.found(), undefined, "the questions since then were answered well");
  const [list, watch] = bed.requests;
  assert.deepEqual([list?.path, watch?.path], ["/api/v1/events", "/api/v1/events"]);
  assert.equal(watch?.query?.["fieldSelector"], "reason=Unhealthy,type=Warning");
});

Deno.test("FailingChecks reports a check without an answer at once, with its timeout", async () => {
  await using bed = start();
  void bed.run();
  await bed.send(HANGS);
  assert.equal(bed.found()?.detail, "no answer within 3 s");
  const slow = { ...DESIRED, healthCheck: { ...DESIRED.healthCheck, timeoutMs: 10_000 } };
  assert.equal(bed.found(undefined, slow)?.detail, "no answer within 10 s");
  assert.equal(
    bed.found(undefined, { ...DESIRED, healthCheck: { ...plainCheck(""), kind: "none" } }),
    undefined,
  );
});

Deno.test("FailingChecks does not hold a former run's answers against the one that follows", async () => {
  await using bed = start();
  void bed.run();
  await bed.send(HANGS);
  await bed.clock.advance(1_000);
  const restarted = bed.pod(bed.clock.now());
  assert.equal(bed.found(restarted), undefined);
  assert.equal(bed.checks.detailOf(restarted), "");
  bed.checks.forget(bed.pod());
  assert.equal(bed.found(), undefined);
});

Deno.test("FailingChecks begins anew after a pause, and takes no event of long ago", async () => {
  await using bed = start();
  bed.before.push(
    bed.event(HANGS, bed.clock.now() - 60_000),
    bed.event(HANGS, bed.clock.now() - 1_000, "uid-2"),
  );
  void bed.run();
  await eventually("the list", () => bed.failures.length > 0);
  assert.deepEqual(bed.failures, ["pod-uid-2"], "what was before the start of the agent is over");
  await bed.send(REFUSED);
  await bed.clock.advance(30_000);
  await bed.send(REFUSED);
  assert.equal(bed.found(), undefined, "two single bad answers, far apart");
});

const WORDS: readonly (readonly [message: string, detail: string])[] = [
  ["Readiness probe failed: HTTP probe failed with statuscode: 404", "it answered 404"],
  ["(combined from similar events): Readiness probe failed: cat: no such file\nno database\n", "no database"],
  ["Readiness probe errored and resulted in unknown state: rpc error: it is gone", "rpc error: it is gone"],
  [`Readiness probe failed: ${"x".repeat(500)}`, "x".repeat(200)],
  ["Readiness probe failed: ", ""],
];

Deno.test("FailingChecks reads events of readiness probes, and no other events", async (t) => {
  for (const [message, detail] of WORDS) {
    await t.step(message.slice(0, 60), async () => {
      await using bed = start();
      void bed.run();
      for (const other of ["Liveness", "Startup"]) await bed.send(`${other} probe failed: it is red`);
      await bed.send(message);
      assert.equal(bed.checks.detailOf(bed.pod()), detail);
      assert.equal(bed.failures.length, 1);
    });
  }
});
