/** The decisive behavior of a runtime, once more on Docker Engine 29: most users have a newer engine than 20.10. */
import assert from "node:assert/strict";
import { removeContainer, stopContainer } from "../../pkg/docker/mod.ts";
import { canStartEngine, PrivateEngine } from "../../pkg/testkit/private_engine.ts";
import { apply, shell, Status, until, WEB_SERVER } from "./testing.ts";
import { Bench } from "./testing_bench.ts";

Deno.test({
  name: "apps run, end, print and come back on Docker Engine 29 as on 20.10",
  ignore: !await canStartEngine("29"),
  fn: async (t) => {
    await using docker = await PrivateEngine.open({ engine: "29" });
    await using bench = await Bench.open(docker.host);
    const { plane } = bench;
    await bench.agent();
    const name = bench.name();
    const [web, memory, crash, missing] = [`${name}a`, `${name}b`, `${name}c`, `${name}d`];
    const [localhost, flood, removed] = [`${name}e`, `${name}f`, `${name}g`];
    const reported = (name: string, reason: string) =>
      until(reason, () => plane.instances(name).find((each) => each.reason === reason));
    const environmentVariables = { NAME: "world" };
    await plane.snapshot(
      0,
      1,
      apply(web, 1, { environmentVariables }),
      apply(memory, 1, {
        command: shell(`[ -e /tmp/second ] || { touch /tmp/second; exec tail /dev/zero; }; ${WEB_SERVER}`),
      }),
      apply(crash, 1, { command: shell("echo cannot read config; exit 42") }),
      apply(missing, 1, { command: ["/no/such/program"] }),
      apply(localhost, 1, { command: shell("nc -l -p 3000 -s 127.0.0.1 & while true; do sleep 1; done") }),
      apply(flood, 1, {
        command: shell(
          `yes ${"y".repeat(99)} | head -c 40000000; head -c 20000 /dev/zero | tr '\\0' x; echo; ` +
            `while true; do echo "after the flood"; sleep 1 & wait $!; done`,
        ),
        cpuMillicores: 1_000n,
      }),
      apply(removed, 1),
    );

    await t.step("an app answers at the reported address, within its limits", async () => {
      const [instance] = await plane.settled(web, Status.RUNNING);
      assert.equal(await (await fetch(`http://${instance?.address}/`)).text(), "hello world\n");
      const [container] = await bench.containers(web);
      assert.deepEqual(container?.limits, { cpuMillicores: 250, memoryBytes: 64 * 1024 * 1024, pidsMax: 50 });
    });
    await t.step("a kill for memory, a crash loop and a missing program have different reasons", async () => {
      const [again] = await plane.settled(memory, Status.RUNNING);
      assert.deepEqual([again?.lastEnd?.reason, again?.lastEnd?.exitCode], ["oom_killed", 137]);
      const looping = await reported(crash, "crash_loop");
      assert.deepEqual([looping.exitCode, looping.lastLogLines.at(-1)], [42, "cannot read config"]);
      const failed = await until(
        "the refusal",
        () => plane.instances(missing).find(({ status }) => status === Status.FAILED),
      );
      assert.match(failed.message, /no such file or directory/);
    });
    await t.step("an app that listens on localhost only is not ready", async () => {
      assert.match((await reported(localhost, "not_listening")).message, /3000/);
    });
    await t.step("a container that is killed, or removed by hand, comes back", async () => {
      const [before] = await plane.settled(removed, Status.RUNNING);
      const [container] = await bench.containers(removed);
      assert.ok(before !== undefined && container !== undefined);
      plane.reports.length = 0;
      await stopContainer(bench.engine, container.id, 0, bench.signal);
      const [again] = await plane.settled(removed, Status.RUNNING);
      assert.equal(again?.address, before.address, "its port stays its own");
      await removeContainer(bench.engine, container.id, bench.signal);
      await until("another container", async () => {
        const [next] = await bench.containers(removed);
        return next !== undefined && next.id !== container.id;
      });
      await plane.settled(removed, Status.RUNNING);
    });
    await t.step("a long line after 40 MB at full speed comes, and so do those behind it", async () => {
      await until(
        "a line behind the flood",
        () => plane.lines.some(({ text }) => text === "after the flood"),
      );
    });
  },
});
