import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { ApplySentinelSchema, Health } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { NO_METRICS } from "../../pkg/metrics/mod.ts";
import { Runner } from "../../pkg/runner/mod.ts";
import { connectControlPlane } from "./control_plane.ts";
import type { Sentinel } from "./testing_sentinel.ts";
import { until } from "./testing.ts";
import { agentConfig } from "./testing_bench.ts";
import { FakePlane } from "./testing_plane.ts";
import { decodeSentinel, type DesiredSentinel } from "./internal/sentinel/desired.ts";
import type { SentinelRuntime } from "./internal/sentinel/port.ts";
import type { SentinelStatus } from "./internal/sentinel/report.ts";
import type { Result } from "./internal/watch/acknowledger.ts";
import { buildSentinelAgent, type SentinelAgent } from "./sentinels.ts";

/** Runs sentinels in a map; a test says how many of each take requests. */
class FakeSentinels implements SentinelRuntime {
  readonly noun = "sentinel";
  readonly running = new Map<string, DesiredSentinel>();
  readonly available = new Map<string, number>();
  change: (name: string) => void = () => undefined;

  reconcile(desired: DesiredSentinel): Promise<{ content: SentinelStatus }> {
    if (desired.image === "refused") return Promise.reject(new Error("the cluster refuses it"));
    this.running.set(desired.name, desired);
    const availableReplicas = this.available.get(desired.name) ?? 0;
    const health = availableReplicas > 0 ? "healthy" : "unhealthy";
    return Promise.resolve({ content: { health, availableReplicas, address: `${desired.name}:8040` } });
  }
  remove(name: string): Promise<void> {
    this.running.delete(name);
    return Promise.resolve();
  }
  managed = () =>
    Promise.resolve([...this.running.keys()].map((name) => ({ name, sentinelId: `se_${name}` })));
  watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void> {
    this.change = onChange;
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
  become(name: string, available: number): void {
    this.available.set(name, available);
    this.change(name);
  }
}

function sentinel(k8sName: string, changes: Sentinel = {}): Sentinel {
  return {
    k8sName,
    workspaceId: "ws_1",
    projectId: "proj_1",
    environmentId: "env_1",
    sentinelId: `se_${k8sName}`,
    image: "unkey:1",
    replicas: 1,
    cpuMillicores: 256n,
    memoryMib: 256n,
    token: "sentinel_t0ken",
    ...changes,
  };
}

interface Setup {
  readonly plane: FakePlane;
  readonly runtime: FakeSentinels;
  readonly agent: SentinelAgent;
  readonly results: Result[];
}

async function running(
  test: (setup: Setup) => Promise<void>,
  orphans: readonly Sentinel[] = [],
): Promise<void> {
  await using plane = await FakePlane.start();
  const runtime = new FakeSentinels();
  for (const each of orphans) {
    await runtime.reconcile(decodeSentinel(create(ApplySentinelSchema, each)));
  }
  const results: Result[] = [];
  const base = { clock: systemClock(), log: silentLogger() };
  const runner = new Runner(base);
  const stop = new AbortController();
  const agent = buildSentinelAgent({
    ...base,
    metrics: NO_METRICS,
    runtime,
    plane: connectControlPlane(agentConfig(plane.url, "test", "/nowhere"), {
      agentId: "agent-1",
      request: fetch,
      log: silentLogger(),
    }),
    acknowledge: (result) => results.push(result),
    generationFloor: 0,
  }, runner);
  agent.start(runner);
  try {
    await test({ plane, runtime, agent, results });
  } finally {
    stop.abort();
    await runner.wait(stop.signal);
  }
}

Deno.test("sentinels are made, reported when their health changes, changed, and removed", async () => {
  await running(async ({ plane, runtime, agent, results }) => {
    plane.sentinels.apply(3, sentinel("a"));
    const report = (health: Health, count: number) =>
      until(`${count} available`, () => {
        const latest = plane.sentinels.latest("a");
        return latest?.health === health && latest.availableReplicas === count && latest;
      });
    assert.equal((await report(Health.UNHEALTHY, 0)).address, "a:8040");
    runtime.become("a", 1);
    await report(Health.HEALTHY, 1);
    const count = plane.sentinels.reports.length;
    runtime.change("a");
    plane.sentinels.apply(4, sentinel("a", { image: "unkey:2", replicas: 2 }));
    await until("the new image", () => runtime.running.get("a")?.image === "unkey:2");
    assert.equal(plane.sentinels.reports.length, count, "an unchanged state is not reported");
    plane.sentinels.delete(5, "a");
    await report(Health.UNHEALTHY, 0);
    await until("removed", () => !runtime.running.has("a"));
    await until("settled", () => agent.watcher.cursor === 5);
    assert.deepEqual(
      results.map(({ resourceType, resourceId, error }) => [resourceType, resourceId, error]),
      [
        ["sentinel", "se_a", ""],
        ["sentinel", "se_a", ""],
        ["sentinel", "se_a", ""],
      ],
    );
  });
});

Deno.test("a sentinel that cannot run is refused and blocks no other; an unwanted one is removed", async () => {
  await running(async ({ plane, runtime, results }) => {
    plane.sentinels.apply(1, sentinel("bad", { image: "refused" }));
    plane.sentinels.apply(2, sentinel("worse", { token: "" }));
    plane.sentinels.apply(3, sentinel("good"));
    await until("the good one", () => runtime.running.has("good"));
    const errorOf = (id: string) => results.find(({ resourceId }) => resourceId === id)?.error;
    await until("both refused", () => errorOf("se_bad") && errorOf("se_worse"));
    assert.match(errorOf("se_bad") ?? "", /the cluster refuses it/);
    assert.match(errorOf("se_worse") ?? "", /token is empty/);
    await until("no orphan", () => !runtime.running.has("orphan"));
  }, [sentinel("orphan")]);
});

Deno.test("decodeSentinel() names everything that is wrong, and never the token", () => {
  const wrong = sentinel("Not-A-Label", { image: "", replicas: -1, memoryMib: 0n });
  assert.throws(
    () => decodeSentinel(create(ApplySentinelSchema, wrong)),
    (error) =>
      isFault(error, "invalid_argument") && !error.message.includes("t0ken") &&
      ["image is empty", "no DNS label", "replicas is negative", "limit is not positive"]
        .every((text) => error.message.includes(text)),
  );
});
