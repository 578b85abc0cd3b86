import assert from "node:assert/strict";
import { canStartEngine, PrivateEngine } from "../../pkg/testkit/private_engine.ts";
import { HealthCheck_Kind } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { apply, Status, until } from "./testing.ts";
import { Bench, engineTest } from "./testing_bench.ts";

const ignore = !await canStartEngine();

Deno.test({
  name: "apps survive a restart of Docker, once each, at the same address",
  ignore,
  fn: async () => {
    await using docker = await PrivateEngine.open();
    await using bench = await Bench.open(docker.host);
    const { plane } = bench;
    const name = bench.name();
    await bench.agent();
    const stream = await plane.snapshot(0, 1, apply(name, 1, { replicas: 2 }));
    const before = await plane.settled(name, Status.RUNNING, 2);
    const ids = (await bench.containers(name)).map((each) => each.id).toSorted();

    await docker.stop();
    // A change that comes while Docker is away is refused, and done when it is back.
    stream.send(apply(`${name}b`, 2));
    await until(
      "the NACK",
      () =>
        plane.acknowledgements.some((each) =>
          each.results.some((one) => one.version === 2n && one.error !== "")
        ),
    );
    plane.reports.length = 0;
    await docker.start();

    const after = await until("they are back", () => {
      const found = plane.instances(name);
      return found.length === 2 && found.every((each) => each.status === Status.RUNNING) && found;
    });
    assert.deepEqual(after.map((each) => each.address), before.map((each) => each.address));
    for (const { address } of after) assert.equal((await fetch(`http://${address}/`)).status, 200);
    assert.deepEqual((await bench.containers(name)).map((each) => each.id).toSorted(), ids);
    await plane.settled(`${name}b`, Status.RUNNING);
  },
});

engineTest("an app whose health check takes long stays running while its agent restarts", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  const stop = await bench.agent();
  const healthCheck = { kind: HealthCheck_Kind.COMMAND, command: ["sleep", "3"], timeoutMs: 20_000 };
  await plane.snapshot(0, 1, apply(name, 1, { healthCheck }));
  await plane.settled(name, Status.RUNNING);
  await stop();

  plane.reports.length = 0;
  await bench.agent();
  await plane.settled(name, Status.RUNNING);
  const reports = plane.reports.flatMap(({ change }) =>
    change.case === "update" ? change.value.instances : []
  );
  assert.deepEqual([...new Set(reports.map(({ status }) => Status[status]))], ["RUNNING"]);
});
