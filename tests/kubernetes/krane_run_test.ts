import assert from "node:assert/strict";
import { remove, shell, Status, until } from "../../svc/krane/testing.ts";
import { onCluster } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

function kraneTest(name: string, test: (bed: KraneBed) => Promise<void>): void {
  onCluster(name, async (cluster) => {
    await using bed = await KraneBed.open(cluster);
    await test(bed);
  });
}

kraneTest(
  "an app runs as pods, answers at the reported addresses, and its output is shipped",
  async (bed) => {
    const { plane } = bed;
    const name = bed.name();
    await bed.agent();
    const environmentVariables = { NAME: "world", PORT: "1" };
    await plane.snapshot(0, 7, bed.apply(name, 3, { environmentVariables, replicas: 2 }));
    const instances = await plane.settled(name, Status.RUNNING, 2);
    assert.deepEqual(
      instances.map((each) => [each.cpuMillicores, each.memoryMib, each.restarts]),
      [[250n, 64n, 0], [250n, 64n, 0]],
    );
    for (const { address } of instances) {
      assert.match(address, /^[0-9.]+:3000$/);
      assert.equal(await (await fetch(`http://${address}/`)).text(), "hello world\n");
    }
    await until("the output", () => plane.lines.filter((each) => each.text === "started").length === 2);
    await until(
      "the ACK",
      () => plane.acknowledgements.some((each) => each.appliedVersion === 7n && each.observedVersion === 7n),
    );
  },
);

kraneTest(
  "a pod that is deleted by hand comes back, and is reported as running until another one is",
  async (bed) => {
    const { plane } = bed;
    const name = bed.name();
    await bed.agent({ UNKEY_KRANE_DRAIN_MS: "15000" });
    await plane.snapshot(0, 1, bed.apply(name, 1));
    const [first] = await plane.settled(name, Status.RUNNING);
    assert.ok(first);
    const seen = plane.reports.length;
    await bed.deletePod(first.k8sName);
    const second = await until(
      "another pod",
      () =>
        plane.instances(name).find((each) =>
          each.status === Status.RUNNING && each.k8sName !== first.k8sName
        ),
    );
    await until("not reported", () => !plane.instances(name).some((each) => each.k8sName === first.k8sName));
    const [dying] = (await bed.pods(name)).filter((each) => each.metadata.name === first.k8sName);
    assert.ok(dying?.metadata.deletionTimestamp, "its end is reported before it has ended");
    assert.equal((await fetch(`http://${first.address}/`)).status, 200, "and still answers who came before");
    const reported = plane.reports.slice(seen).map(({ change }) => change).filter(({ value }) =>
      value?.k8sName === name
    );
    const runs = ({ case: kind, value }: (typeof reported)[number]): boolean =>
      kind === "update" && value.instances.some((each) => each.status === Status.RUNNING);
    assert.ok(reported.length > 0 && reported.every(runs), "at every time there is one to connect to");
    assert.equal((await fetch(`http://${second.address}/`)).status, 200);
  },
);

kraneTest(
  "a deployment that goes is reported first, then ends in its own time, and leaves nothing",
  async (bed) => {
    const { plane } = bed;
    const [name, other] = [bed.name(), bed.name()];
    await bed.agent();
    const env = { environmentVariables: { SECRET: "x" } };
    const stream = await plane.snapshot(0, 2, bed.apply(name, 1, env), bed.apply(other, 2, env));
    await plane.settled(name, Status.RUNNING);
    await plane.settled(other, Status.RUNNING);
    assert.deepEqual(await bed.objects(), { sets: 2, secrets: 2, policies: 1 });
    stream.send(remove(name, 3));
    await until("reported gone", () => plane.latest(name)?.case === "delete");
    await until("ACK", () => plane.acknowledgements.some((each) => each.appliedVersion === 3n));
    assert.equal((await bed.pods(name)).length, 0);
    await until("its last words", () => plane.lines.some((each) => each.text === "terminated"));
    await until("its Secret is gone", async () => (await bed.objects()).secrets === 1);
    assert.deepEqual(
      await bed.objects(),
      { sets: 1, secrets: 1, policies: 1 },
      "the other one keeps its policy",
    );
    stream.send(remove(other, 4));
    await until("nothing", async () => {
      const { sets, secrets, policies } = await bed.objects();
      return sets + secrets + policies === 0;
    });
  },
);

kraneTest(
  "an app that ends at once is a crash loop with exit code and last lines, within seconds",
  async (bed) => {
    const name = bed.name();
    await bed.agent();
    await bed.plane.snapshot(
      0,
      1,
      bed.apply(name, 1, { command: shell("echo cannot read config; exit 42") }),
    );
    const found = await until(
      "crash loop",
      () => bed.plane.instances(name).find((each) => each.reason === "crash_loop"),
    );
    assert.equal(found.status, Status.FAILED);
    assert.equal(found.exitCode, 42);
    assert.equal(found.address, "");
    assert.match(found.message, /ended \d+ times with exit code 42/);
    assert.equal(found.lastLogLines.at(-1), "cannot read config");
  },
);

kraneTest("what cannot run is reported with its reason, and blocks nobody", async (bed) => {
  const { plane } = bed;
  const names = {
    image: bed.name(),
    command: bed.name(),
    memory: bed.name(),
    room: bed.name(),
    port: bed.name(),
    good: bed.name(),
  };
  await bed.agent();
  await plane.snapshot(
    0,
    6,
    bed.apply(names.image, 1, { image: "registry.invalid/no/such:1" }),
    bed.apply(names.command, 2, { command: ["/no-such-program"] }),
    bed.apply(names.memory, 3, {
      command: ["sh", "-c", "echo filling; exec tail /dev/zero"],
      memoryMib: 16n,
    }),
    bed.apply(names.room, 4, { memoryMib: 9_000_000n }),
    bed.apply(names.port, 5, { command: shell("sleep 3600 & wait") }),
    bed.apply(names.good, 6),
  );
  await plane.settled(names.good, Status.RUNNING);
  const expected: [keyof typeof names, string, Status, RegExp][] = [
    ["image", "image_pull", Status.FAILED, /registry\.invalid\/no\/such:1/],
    ["command", "crash_loop", Status.FAILED, /cannot be started: .*no-such-program/],
    ["memory", "oom_killed", Status.FAILED, /16 MiB/],
    ["room", "unschedulable", Status.PENDING, /No machine of the region has room/],
    ["port", "not_listening", Status.PENDING, /must listen on 0\.0\.0\.0:3000/],
  ];
  for (const [key, reason, status, text] of expected) {
    const found = await until(
      `${key}: ${reason}`,
      () => plane.instances(names[key]).find((each) => each.reason === reason),
    );
    assert.equal(found.status, status, key);
    assert.match(found.message, text);
    assert.equal(found.address, "");
  }
});

kraneTest("a changed variable replaces the pods, and an unchanged desired state does not", async (bed) => {
  const { plane } = bed;
  const name = bed.name();
  const agent = await bed.agent();
  await plane.snapshot(0, 1, bed.apply(name, 1, { environmentVariables: { NAME: "one" } }));
  const [first] = await plane.settled(name, Status.RUNNING);
  await agent.stop();
  plane.reports.length = 0;
  await bed.agent();
  await plane.snapshot(1, 1, bed.apply(name, 1, { environmentVariables: { NAME: "one" } }));
  const [same] = await plane.settled(name, Status.RUNNING);
  assert.equal(same?.k8sName, first?.k8sName, "the same pod");
  plane.streams[1]?.send(bed.apply(name, 2, { environmentVariables: { NAME: "two" } }));
  const second = await until(
    "another pod",
    () =>
      plane.instances(name).find((each) => each.status === Status.RUNNING && each.k8sName !== first?.k8sName),
  );
  assert.equal(await (await fetch(`http://${second.address}/`)).text(), "hello two\n");
});
