import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { createContainer, inspectContainer, removeContainer, stopContainer } from "../../pkg/docker/mod.ts";
import { BASE_IMAGE } from "../../pkg/testkit/base_image.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { apply, heartbeat, remove, shell, Status, until, WEB_SERVER } from "./testing.ts";
import { agentConfig, engineTest } from "./testing_bench.ts";
import { runKrane } from "./run.ts";

engineTest(
  "an app runs within its limits, answers at the reported address, and its output is shipped",
  async (bench) => {
    const { plane } = bench;
    const name = bench.name();
    await bench.agent();
    const environmentVariables = { NAME: "world", PORT: "1" };
    await plane.snapshot(0, 7, apply(name, 3, { environmentVariables, replicas: 2 }));
    const instances = await plane.settled(name, Status.RUNNING, 2);
    assert.deepEqual(instances.map((each) => each.k8sName), [`unkey-${name}-0`, `unkey-${name}-1`]);
    assert.deepEqual(instances.map((each) => [each.cpuMillicores, each.memoryMib]), [[250n, 64n], [
      250n,
      64n,
    ]]);
    for (const { address } of instances) {
      assert.match(address, /^127\.0\.0\.1:2\d{4}$/);
      assert.equal(await (await fetch(`http://${address}/`)).text(), "hello world\n");
    }

    const [container] = await bench.containers(name);
    assert.deepEqual(container?.limits, { cpuMillicores: 250, memoryBytes: 64 * 1024 * 1024, pidsMax: 50 });
    const env = container?.env;
    assert.equal(env?.["PORT"], "3000", "the platform's variables win");
    assert.equal(env?.["UNKEY_DEPLOYMENT_ID"], `d_${name}`);
    assert.equal(env?.["UNKEY_REGION"], "test.region");
    const path = `/containers/${container?.id}/json`;
    const raw = await bench.engine.call({ method: "GET", path, signal: bench.signal });
    const host = (await raw.json()).HostConfig;
    assert.equal(host.MemorySwap, host.Memory);
    assert.deepEqual(host.SecurityOpt, ["no-new-privileges"]);
    assert.ok(host.CapDrop.includes("NET_RAW"));
    assert.deepEqual(host.LogConfig.Config, { "max-file": "3", "max-size": "10000000" });

    await until("the output", () => plane.lines.filter((each) => each.text === "started").length === 2);
    await until(
      "the ACK",
      () => plane.acknowledgements.some((each) => each.appliedVersion === 7n && each.observedVersion === 7n),
    );
    const results = plane.acknowledgements.flatMap((each) => each.results);
    assert.deepEqual(results.map((each) => [each.resourceId, each.version, each.error]), [[
      `d_${name}`,
      3n,
      "",
    ]]);
  },
);

engineTest(
  "a restarted agent keeps its containers, resumes from its cursor and reports again",
  async (bench) => {
    const { plane } = bench;
    const name = bench.name();
    const stop = await bench.agent();
    await plane.snapshot(0, 5, apply(name, 5, { replicas: 2 }));
    await plane.settled(name, Status.RUNNING, 2);
    const before = await bench.containers(name);
    const generation = plane.latest(name)?.value?.generation ?? 0n;
    const state = `${bench.stateDir}/state.json`;
    await until("cursor on disk", async () => {
      const text = await Deno.readTextFile(state).catch(() => "{}");
      return JSON.parse(text).cursor === 5;
    });
    await stop();
    assert.equal((await bench.containers(name)).filter((each) => each.state.status === "running").length, 2);

    plane.reports.length = 0;
    plane.lines.length = 0;
    await bench.agent();
    const second = await plane.stream(1);
    assert.equal(second.versionLastSeen, 5);
    second.send(heartbeat(5));
    await plane.settled(name, Status.RUNNING, 2);
    const after = await bench.containers(name);
    assert.deepEqual(
      after.map((each) => [each.id, each.state.startedAt]),
      before.map((each) => [each.id, each.state.startedAt]),
    );
    assert.ok((plane.latest(name)?.value?.generation ?? 0n) > generation);

    second.send(apply(name, 6, { replicas: 1 }));
    await plane.settled(name, Status.RUNNING, 1);
    await until("one container", async () => (await bench.containers(name)).length === 1);
  },
);

/** Otherwise what was removed while the agent was away would stay away. */
engineTest("an agent that finds less than it left asks for a snapshot", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  const stop = await bench.agent();
  await plane.snapshot(0, 5, apply(name, 5));
  await plane.settled(name, Status.RUNNING);
  await stop();
  for (const { id } of await bench.containers(name)) await removeContainer(bench.engine, id, bench.signal);
  await bench.agent();
  assert.equal((await plane.stream(1)).versionLastSeen, 0);
  await plane.snapshot(1, 5, apply(name, 5));
  await until("a new container", async () => (await bench.containers(name)).length === 1);
});

engineTest("a container that was killed or removed by hand comes back and is reported", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  await bench.agent();
  await plane.snapshot(0, 1, apply(name, 1));
  const [first] = await plane.settled(name, Status.RUNNING);
  const [container] = await bench.containers(name);
  assert.ok(container && first);
  plane.reports.length = 0;
  await stopContainer(bench.engine, container.id, 0, bench.signal);
  const [second] = await plane.settled(name, Status.RUNNING);
  assert.equal(second?.address, first.address, "its port stays its own");
  const between = plane.reports[0]?.change;
  assert.ok(between?.case === "update" && between.value.instances.every((each) => each.address === ""));

  await removeContainer(bench.engine, container.id, bench.signal);
  await until("another container", async () => {
    const [next] = await bench.containers(name);
    return next !== undefined && next.id !== container.id;
  });
  await plane.settled(name, Status.RUNNING);
});

engineTest(
  "containers that the snapshot lacks are removed, containers of others are not touched",
  async (bench) => {
    const { plane } = bench;
    const [kept, orphan] = [bench.name(), bench.name()];
    const foreign = await createContainer(bench.engine, {
      name: `foreign-${bench.name()}`,
      image: BASE_IMAGE,
      env: {},
      labels: {
        "unkey.managed-by": "krane",
        "unkey.region": "test.region",
        "unkey.control-plane": `${bench.id}-other`,
      },
      limits: { cpuMillicores: 100, memoryBytes: 16_000_000, pidsMax: 10 },
      publish: [],
      network: "bridge",
      restart: "no",
      output: { fileBytesMax: 1_000_000, filesMax: 1 },
      capabilitiesDropped: [],
      init: false,
    }, bench.signal);
    try {
      const stop = await bench.agent();
      await plane.snapshot(0, 2, apply(kept, 1), apply(orphan, 2));
      await plane.settled(kept, Status.RUNNING);
      await plane.settled(orphan, Status.RUNNING);
      await stop();
      await Deno.remove(`${bench.stateDir}/state.json`);
      await bench.agent();
      await plane.snapshot(1, 9, apply(kept, 1));
      await until("the orphan is gone", async () => (await bench.containers(orphan)).length === 0);
      assert.equal(plane.latest(orphan)?.case, "delete");
      assert.equal((await bench.containers(kept)).length, 1);
      assert.ok(await inspectContainer(bench.engine, foreign, bench.signal));
    } finally {
      await removeContainer(bench.engine, foreign, bench.signal);
    }
  },
);

engineTest("an instance is reported as removed before it gets SIGTERM", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  await bench.agent({ drainMs: 10_000 });
  const stream = await plane.snapshot(0, 1, apply(name, 1));
  const [instance] = await plane.settled(name, Status.RUNNING);
  stream.send(remove(name, 2));
  await until("reported gone", () => plane.latest(name)?.case === "delete");
  assert.equal(await (await fetch(`http://${instance?.address}/`)).text(), "hello \n", "it still answers");
  await until("gone", async () => (await bench.containers(name)).length === 0);
  await until("its last words", () => plane.lines.some((each) => each.text === "terminated"));
  await until("ACK", () => plane.acknowledgements.some((each) => each.appliedVersion === 2n));
});

/** Instance, time and ordinal identify a line: the same line with another ordinal would be shown twice. */
engineTest("output is shipped once and whole over restarts of the app and of the agent", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  const stop = await bench.agent();
  const command = ["sh", "-c", "for i in $(seq 1 20); do echo line $i; done; sleep 0.2"];
  await plane.snapshot(0, 1, apply(name, 1, { command }));
  await until("three runs", () => plane.lines.length >= 60);
  const keys = plane.lines.map((each) => `${each.instance} ${each.timeNs} ${each.ordinal}`);
  assert.equal(new Set(keys).size, keys.length, "nothing is sent twice while the agent lives");
  await stop();
  await bench.agent();
  // The lines of the app; the agent adds one for each end.
  const printed = () => plane.lines.filter(({ text }) => !text?.startsWith("(unkey: "));
  const byKey = () => new Map(printed().map((each) => [`${each.timeNs} ${each.ordinal}`, each.text]));
  await until("two more runs", () => byKey().size >= 100);
  const times = [...byKey()].toSorted(([a], [b]) =>
    BigInt(a.split(" ")[0] ?? 0) < BigInt(b.split(" ")[0] ?? 0) ? -1 : 1
  );
  const texts = times.map(([, text]) => text).slice(0, 100);
  assert.deepEqual(texts, Array.from({ length: 100 }, (_, index) => `line ${index % 20 + 1}`));
});

engineTest("a changed spec replaces the container", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  await bench.agent();
  const stream = await plane.snapshot(0, 1, apply(name, 1, { environmentVariables: { NAME: "one" } }));
  const [first] = await plane.settled(name, Status.RUNNING);
  stream.send(apply(name, 2, { environmentVariables: { NAME: "two" }, command: shell(WEB_SERVER) }));
  const second = await until(
    "another address",
    () =>
      plane.instances(name).find((each) => each.status === Status.RUNNING && each.address !== first?.address),
  );
  assert.equal(await (await fetch(`http://${second.address}/`)).text(), "hello two\n");
  assert.equal((await bench.containers(name)).length, 1);
});

engineTest(
  "a report is repeated until it is delivered, and everything is reported again on a new stream",
  async (bench) => {
    const { plane } = bench;
    const name = bench.name();
    await bench.agent();
    plane.broken = true;
    const stream = await plane.snapshot(0, 1, apply(name, 1));
    await until("the app runs", async () => (await bench.containers(name))[0]?.state.status === "running");
    plane.broken = false;
    await plane.settled(name, Status.RUNNING);
    plane.reports.length = 0;
    stream.end();
    (await plane.stream(1)).send(heartbeat(1));
    await plane.settled(name, Status.RUNNING);
  },
);

Deno.test("runKrane() says how to get Docker when there is none", async () => {
  const stateDir = await Deno.makeTempDir();
  try {
    const config = {
      ...agentConfig("http://127.0.0.1:1", "x", stateDir),
      dockerHost: "unix:///nonexistent.sock",
    };
    const process = { log: silentLogger(), clock: systemClock(), signal: new AbortController().signal };
    await assert.rejects(
      runKrane(config, process),
      (error) => isFault(error, "unavailable") && /[Ii]nstall/.test(error.publicMessage ?? ""),
    );
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
});
