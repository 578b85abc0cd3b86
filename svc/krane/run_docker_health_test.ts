/** Troubles of apps that are live, on a real engine: the edge keeps an address, and the reason is reported and printed. */
import assert from "node:assert/strict";
import { HealthCheck_Kind } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { apply, shell, Status, until, WEB_SERVER } from "./testing.ts";
import { engineTest } from "./testing_bench.ts";

engineTest(
  "an app that is killed for its memory runs again, and the end is reported and in its output",
  async (bench) => {
    const { plane } = bench;
    const name = bench.name();
    await bench.agent();
    // Its first run takes all of the memory, as process 1.
    const script = `[ -e /tmp/second ] || { touch /tmp/second; exec tail /dev/zero; }; ${WEB_SERVER}`;
    await plane.snapshot(0, 1, apply(name, 1, { command: shell(script) }));
    const instance = await until(
      "the app runs again",
      () => plane.instances(name).find(({ status }) => status === Status.RUNNING),
    );
    const killed = "The app was killed because it used more than its 64 MiB of memory.";
    assert.deepEqual([instance.lastEnd?.reason, instance.lastEnd?.exitCode], ["oom_killed", 137]);
    assert.equal(instance.lastEnd?.message, killed);
    await until("the line", () => plane.lines.some(({ text }) => text === `(unkey: ${killed})`));
  },
);

engineTest(
  "the only instance keeps its address while its health check fails, and says why",
  async (bench) => {
    const { plane } = bench;
    const name = bench.name();
    await bench.agent();
    const script =
      `${WEB_SERVER.replace(/ wait$/, "")} touch /tmp/www/healthz; sleep 3; rm /tmp/www/healthz; ` +
      "sleep 15; touch /tmp/www/healthz; sleep 600 & wait";
    await plane.snapshot(0, 1, apply(name, 1, { command: shell(script), healthCheckPath: "/healthz" }));
    const [healthy] = await plane.settled(name, Status.RUNNING);
    const failing = await until(
      "the reason",
      () => plane.instances(name).find(({ reason }) => reason === "unhealthy"),
    );
    assert.deepEqual([failing.status, failing.address], [Status.RUNNING, healthy?.address]);
    assert.match(
      failing.message ?? "",
      /GET \/healthz on port 3000 does not answer 2xx or 3xx \(it answered 404\)/,
    );
    await until("the recovery", () => plane.instances(name).some(({ reason }) => reason === ""));
    const texts = (): (string | undefined)[] => plane.lines.map(({ text }) => text);
    await until("both lines", () => texts().includes("(unkey: the health check succeeds again)"));
    assert.ok(texts().includes("(unkey: the health check fails: it answered 404)"));
  },
);

const WORKER = 'echo "at work"; while :; do sleep 1 & wait $!; done';

engineTest(
  "an app without a health check and a port runs when it has run for its start time",
  async (bench) => {
    const { plane } = bench;
    const name = bench.name();
    await bench.agent();
    const healthCheck = { kind: HealthCheck_Kind.NONE, settleMs: 3_000 };
    await plane.snapshot(0, 1, apply(name, 1, { command: shell(WORKER), healthCheck }));
    const starting = await until(
      "its start",
      () => plane.instances(name).find(({ reason }) => reason === "starting"),
    );
    assert.equal(starting.status, Status.PENDING);
    const [running] = await plane.settled(name, Status.RUNNING);
    const [container] = await bench.containers(name);
    const ranForMs = Date.now() - Date.parse(container?.state.startedAt ?? "");
    assert.ok(ranForMs >= 3_000, `reported after ${ranForMs} ms`);
    assert.equal(running?.reason, "");
  },
);

engineTest("an app without a health check that ends in its start time is in a crash loop", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  await bench.agent();
  const healthCheck = { kind: HealthCheck_Kind.NONE, settleMs: 60_000 };
  await plane.snapshot(0, 1, apply(name, 1, { command: shell("echo no work; exit 0"), healthCheck }));
  const failed = await until(
    "the loop",
    () => plane.instances(name).find(({ reason }) => reason === "crash_loop"),
  );
  assert.equal(failed.status, Status.FAILED);
  assert.match(failed.message ?? "", /by itself with exit code 0: it must keep running\.$/);
  assert.equal(failed.lastLogLines.at(-1), "no work");
});
