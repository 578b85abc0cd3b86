/** The CPU of containers, and their number, on the real Docker Engine. */
import assert from "node:assert/strict";
import { apply, shell, Status, until, WEB_SERVER } from "./testing.ts";
import { engineTest } from "./testing_bench.ts";

const BUSY = shell(`(while :; do :; done) & ${WEB_SERVER}`);

engineTest(
  "the agent reports the CPU of the deployments that are scaled by it, and of no others",
  async (bench) => {
    const [busy, other] = [bench.name(), bench.name()];
    await bench.agent();
    await bench.plane.snapshot(
      0,
      2,
      apply(busy, 1, { command: BUSY, replicas: 2, cpuMillicores: 200n, reportsUsage: true }),
      apply(other, 2),
    );
    await bench.plane.settled(busy, Status.RUNNING, 2);
    const usage = await until(
      "the CPU of both instances",
      () =>
        bench.plane.usages.flatMap((each) => each.deployments)
          .find(({ deploymentId, instances }) => deploymentId === `d_${busy}` && instances === 2),
    );
    // Other work of the machine may leave them less than their limit.
    assert.ok(usage.cpuMillicores > 20n && usage.cpuMillicores < 480n, String(usage.cpuMillicores));
    const reported = bench.plane.usages.flatMap((each) => each.deployments.map((one) => one.deploymentId));
    assert.ok(!reported.includes(`d_${other}`));
  },
);

engineTest("another number of instances replaces none of those that run", async (bench) => {
  const name = bench.name();
  await bench.agent();
  const stream = await bench.plane.snapshot(0, 1, apply(name, 1));
  await bench.plane.settled(name, Status.RUNNING);
  const [first] = await bench.containers(name);
  stream.send(apply(name, 2, { replicas: 3, reportsUsage: true }));
  await bench.plane.settled(name, Status.RUNNING, 3);
  assert.ok((await bench.containers(name)).some(({ id }) => id === first?.id));
  stream.send(apply(name, 3));
  await bench.plane.settled(name, Status.RUNNING);
  await until("two of them to go", async () => (await bench.containers(name)).length === 1);
  assert.equal((await bench.containers(name))[0]?.id, first?.id);
});
