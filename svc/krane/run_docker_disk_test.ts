/** The files that an app writes, on a real engine. */
import assert from "node:assert/strict";
import { apply, shell, Status, until, WEB_SERVER } from "./testing.ts";
import { engineTest } from "./testing_bench.ts";

engineTest(
  "an app that writes more than its disk limit is replaced, and its output has the reason",
  async (bench) => {
    const { plane } = bench;
    const name = bench.name();
    await bench.agent();
    const script = `[ -e /tmp/large ] || head -c 40000000 /dev/zero >/tmp/large; ${WEB_SERVER}`;
    const changes = { command: shell(script), ephemeralStorageMib: 32n };
    await plane.snapshot(0, 1, apply(name, 1, changes));
    await plane.settled(name, Status.RUNNING);
    const [before] = await bench.containers(name);
    const found = await until(
      "the reason",
      () => plane.instances(name).find(({ lastEnd }) => lastEnd?.reason === "evicted"),
    );
    assert.match(found.lastEnd?.message ?? "", /it wrote 39 MiB of files, more than its 32 MiB of disk/);
    await until("another container", async () => {
      const [after] = await bench.containers(name);
      return after !== undefined && after.id !== before?.id;
    });
    const isReported = plane.lines.some(({ text }) =>
      /^\(unkey: The app is replaced because it wrote 39 MiB/.test(text ?? "")
    );
    assert.ok(isReported, "its output says so");
  },
);
