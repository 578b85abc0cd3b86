/** A lease when the cluster answers late, not at all, or with the writes of others. */
import assert from "node:assert/strict";
import { z } from "zod";
import { isFault } from "../fault/mod.ts";
import { createLogger } from "../logger/mod.ts";
import { ManualClock } from "../testkit/manual_clock.ts";
import { apiFault } from "./fault.ts";
import { type ApiRequest, type Cluster, fencedCluster, LeaderLease } from "./mod.ts";

const REF = { namespace: "ns", name: "krane" };
const Written = z.object({
  metadata: z.object({ resourceVersion: z.string().optional() }).loose(),
  spec: z.object({
    holderIdentity: z.string(),
    leaseDurationSeconds: z.number(),
    renewTime: z.string(),
    acquireTime: z.string().optional(),
    leaseTransitions: z.number().optional(),
  }),
});
type Spec = Partial<z.output<typeof Written>["spec"]>;

/** One lease, kept as an apiserver keeps it. */
class LeaseServer implements Cluster {
  readonly server = "test";
  readonly calls: string[] = [];
  spec: Spec | undefined;
  /** The status of the next answers; what is asked is not done. */
  readonly failures: number[] = [];
  /** The next write is done, and its answer lost. */
  isAnswerLost = false;
  #version = 1;

  call(request: ApiRequest): Promise<Response> {
    this.calls.push(request.method);
    return Promise.resolve().then(() => this.#answer(request));
  }

  close(): void {}

  /** A person or another process writes it. */
  put(spec: Spec | undefined): void {
    this.#version++;
    this.spec = spec;
  }

  #answer({ body, method }: ApiRequest): Response {
    const status = this.failures.shift();
    if (status !== undefined) throw apiFault(method, status, JSON.stringify({ message: `status ${status}` }));
    if (method === "GET") return this.#found();
    if (method === "DELETE") {
      this.put(undefined);
      return Response.json({});
    }
    const { metadata, spec } = Written.parse(body);
    if (method === "PATCH" && this.spec === undefined) return this.#found();
    const isStale = metadata.resourceVersion !== undefined &&
      metadata.resourceVersion !== String(this.#version);
    if (isStale || (method === "POST" && this.spec !== undefined)) throw apiFault(method, 409, "{}");
    this.put({ ...this.spec, ...spec });
    if (!this.isAnswerLost) return this.#found();
    this.isAnswerLost = false;
    throw apiFault(method, 503, "{}");
  }

  #found(): Response {
    if (this.spec === undefined) throw apiFault("GET", 404, "{}");
    const metadata = { ...REF, uid: "u", resourceVersion: String(this.#version) };
    return Response.json({ metadata, spec: this.spec });
  }
}

function start(elapsedMs?: () => number, identity = "own") {
  const [clock, cluster, logs] = [new ManualClock(), new LeaseServer(), new Array<string>()];
  const log = createLogger({ service: "test", level: "warn", write: (line) => logs.push(line) });
  const lease = new LeaderLease({
    ...{ cluster, ref: REF, labels: {}, identity, clock, log },
    elapsedMs: elapsedMs ?? (() => clock.now()),
  });
  const [stop, waited] = [new AbortController(), new Array<string>()];
  const acquire = () => lease.acquire((holder) => waited.push(holder), stop.signal);
  return { acquire, clock, cluster, lease, logs, stop, waited };
}

/** Takes the lease, and renews it until the test ends. */
async function holding() {
  const all = start();
  await all.acquire();
  const kept = all.lease.keep(all.stop.signal);
  // A rejection is looked at later.
  kept.catch(() => undefined);
  return { ...all, kept };
}

const OTHER: Spec = { holderIdentity: "other", leaseDurationSeconds: 10, leaseTransitions: 4 };

interface TakenCase {
  readonly name: string;
  readonly found: Spec | undefined;
  readonly transitions: number;
}

const TAKEN: readonly TakenCase[] = [
  { name: "there is none", found: undefined, transitions: 0 },
  { name: "its own, of before a restart", found: { ...OTHER, holderIdentity: "own" }, transitions: 4 },
  { name: "one without a holder", found: { leaseTransitions: 2 }, transitions: 3 },
  { name: "one that was given up", found: { ...OTHER, holderIdentity: "" }, transitions: 5 },
];

Deno.test("a lease without another holder is taken at once", async (t) => {
  for (const { name, found, transitions } of TAKEN) {
    await t.step(name, async () => {
      const { acquire, clock, cluster, lease, waited } = start();
      cluster.put(found);
      await acquire();
      assert.deepEqual([lease.isHeld, waited], [true, []]);
      const { acquireTime, holderIdentity, leaseTransitions, renewTime } = cluster.spec ?? {};
      assert.deepEqual([holderIdentity, leaseTransitions], ["own", transitions]);
      assert.match(renewTime ?? "", /T\d\d:\d\d:\d\d\.\d{6}Z$/, "microseconds, or Kubernetes refuses it");
      assert.equal(acquireTime === undefined, found?.holderIdentity === "own", "its own is not taken anew");
      await clock.advance(8_000);
      assert.equal(lease.isHeld, false, "it counts as lost before the others may take it");
    });
  }
});

Deno.test("another's lease is waited for until it did not change for its own duration", async () => {
  const { acquire, clock, cluster, lease, waited } = start();
  cluster.put({ ...OTHER, leaseDurationSeconds: 5 });
  const acquired = acquire();
  await clock.advance(4_000);
  cluster.put({ ...OTHER, leaseDurationSeconds: 5 });
  await clock.advance(4_500);
  assert.equal(lease.isHeld, false, "it was renewed meanwhile");
  await clock.advance(6_000);
  await acquired;
  assert.deepEqual([lease.isHeld, waited], [true, ["other"]], "the wait is logged once");
  assert.equal(cluster.spec?.leaseTransitions, 5);
});

Deno.test("an outage while it waits is logged once, and a missing right ends the wait", async () => {
  const { acquire, clock, cluster, lease, logs } = start();
  cluster.failures.push(503, 503, 500);
  const acquired = acquire();
  await clock.advance(6_000);
  await acquired;
  assert.equal(lease.isHeld, true);
  assert.equal(logs.length, 1);
  assert.match(logs[0] ?? "", /lease cannot be read.*status 503/);
  const denied = start();
  denied.cluster.failures.push(403);
  await assert.rejects(denied.acquire(), (error) => isFault(error, "permission_denied"));
});

Deno.test("of two that take it at the same time the slower one waits", async () => {
  const { acquire, clock, cluster, lease, stop, waited } = start();
  const { call } = cluster;
  let isFirst = true;
  cluster.call = async (request) => {
    if (request.method === "POST" && isFirst) cluster.put(OTHER);
    isFirst &&= request.method !== "POST";
    return await call.call(cluster, request);
  };
  const acquired = acquire();
  await clock.advance(2_500);
  assert.deepEqual([lease.isHeld, waited], [false, ["another process"]]);
  stop.abort(new Error("enough"));
  await assert.rejects(acquired, /enough/);
});

Deno.test("a holder outlives an outage, but does not act while it may have been replaced", async () => {
  const { clock, cluster, kept, lease, logs, stop } = await holding();
  cluster.failures.push(503, 503, 503, 503);
  await clock.advance(7_500);
  assert.equal(lease.isHeld, true);
  await clock.advance(500);
  assert.equal(lease.isHeld, false);
  await clock.advance(3_500);
  assert.equal(lease.isHeld, true, "the first renewal that works");
  assert.equal(logs.length, 1);
  assert.match(logs[0] ?? "", /lease not renewed/);
  stop.abort();
  await kept;
});

const KEPT: readonly (readonly [name: string, change: (cluster: LeaseServer) => void])[] = [
  ["the answer of a renewal was lost", (cluster) => void (cluster.isAnswerLost = true)],
  ["a person has edited it", (cluster) => cluster.put({ ...cluster.spec })],
  ["a person has deleted it", (cluster) => cluster.put(undefined)],
];

Deno.test("a holder keeps a lease that is still its own", async (t) => {
  for (const [name, change] of KEPT) {
    await t.step(name, async () => {
      const { clock, cluster, kept, lease, stop } = await holding();
      change(cluster);
      await clock.advance(6_500);
      assert.deepEqual([lease.isHeld, cluster.spec?.holderIdentity], [true, "own"]);
      await clock.advance(4_000);
      assert.equal(lease.isHeld, true);
      stop.abort();
      await kept;
    });
  }
});

Deno.test("a holder ends at once when another has the lease, and says who", async () => {
  const { clock, cluster, kept, lease } = await holding();
  cluster.put(OTHER);
  await clock.advance(2_000);
  await assert.rejects(
    kept,
    (error) => isFault(error, "failed_precondition") && /ns\/krane is held by other/.test(error.message),
  );
  assert.equal(lease.isHeld, false);
  await lease.release();
  assert.equal(cluster.spec?.holderIdentity, "other", "another's lease is not given up");
});

/** Else a process would write with a lease that another one holds. */
Deno.test("keep() does not make a lease held that was given up, or never taken", async () => {
  const { clock, cluster, kept, lease, stop } = await holding();
  await lease.release();
  assert.equal(cluster.spec, undefined);
  await clock.advance(5_000);
  assert.deepEqual([lease.isHeld, cluster.spec], [false, undefined]);
  stop.abort();
  await kept;
});

Deno.test("release() leaves a lease to its end where the cluster does not answer", async () => {
  const { acquire, cluster, lease, logs } = start();
  await lease.release();
  assert.deepEqual(cluster.calls, [], "there is nothing to give up");
  await acquire();
  cluster.failures.push(503);
  await lease.release();
  assert.equal(lease.isHeld, false);
  assert.match(logs.join(), /lease not given up/);
});

const FENCED: readonly (readonly [method: ApiRequest["method"], path: string, passes: boolean])[] = [
  ["GET", "/api/v1/pods", true],
  ["POST", "/apis/authentication.k8s.io/v1/tokenreviews", true],
  ["POST", "/api/v1/namespaces", false],
  ["PATCH", "/apis/apps/v1/namespaces/ns/replicasets/a", false],
  ["DELETE", "/api/v1/namespaces/ns/pods/a", false],
];

Deno.test("fencedCluster() lets reads and reviews through without the lease, and nothing else", async (t) => {
  for (const [method, path, passes] of FENCED) {
    await t.step(`${method} ${path}`, async () => {
      const { acquire, cluster, lease, stop } = start();
      const fenced = fencedCluster(cluster, lease);
      cluster.put(OTHER);
      cluster.call = () => Promise.resolve(Response.json({}));
      const ask = () => fenced.call({ method, path, signal: stop.signal });
      if (passes) assert.equal((await ask()).status, 200);
      else await assert.rejects(ask(), (error) => isFault(error, "unavailable"));
      Object.assign(cluster, { call: LeaseServer.prototype.call });
      cluster.put(undefined);
      await acquire();
      cluster.call = () => Promise.resolve(Response.json({}));
      assert.equal((await ask()).status, 200, "the holder may do all of it");
    });
  }
});

/** With a clock that was set back by an hour, a holder of before would act for an hour beside the next one. */
Deno.test("a lease ends for its holder by whichever of both clocks is further", async (t) => {
  await t.step("the machine's clock is set back", async () => {
    let elapsed = 0;
    const { acquire, lease } = start(() => elapsed);
    await acquire();
    assert.equal(lease.isHeld, true);
    elapsed += 8_000;
    assert.equal(lease.isHeld, false);
  });
  await t.step("the even clock stood still while the machine slept", async () => {
    const { acquire, clock, lease } = start(() => 0);
    await acquire();
    await clock.advance(8_000);
    assert.equal(lease.isHeld, false);
  });
});
