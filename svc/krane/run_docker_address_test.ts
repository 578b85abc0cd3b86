import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { removeContainer, removeNetwork, stopContainer } from "../../pkg/docker/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { App, startProxy, Wire } from "../../pkg/proxy/testing_wire.ts";
import type { Upstream } from "../../pkg/proxy/mod.ts";
import { OwnNetwork } from "./internal/runtime/docker/own_network.ts";
import { apply, remove, shell, Status, until, WEB_SERVER } from "./testing.ts";
import { type Bench, engineTest } from "./testing_bench.ts";

/** Answers with a body that only the end of the connection ends, and breaks it: it leaves the request unread. */
const BREAKS = "nc -ll -p $PORT -e sh -c " +
  "'printf \"HTTP/1.0 200 OK\\r\\n\\r\\npartial\"; sleep 0.2' & wait";

function upstreamOf(address: string): Upstream {
  const [host = "", port = ""] = address.split(":");
  return { key: address, host, port: Number(port) };
}

async function runs(bench: Bench, name: string, version: number, script = WEB_SERVER): Promise<string> {
  const stream = await bench.plane.stream(0);
  stream.send(apply(name, version, { command: shell(script) }));
  const [instance] = await bench.plane.settled(name, Status.RUNNING);
  return instance?.address ?? assert.fail("no address");
}

engineTest(
  "an edge beside the engine connects to the container, and gets what the app does",
  async (bench) => {
    const { plane } = bench;
    await bench.agent({ instanceAddress: "container" });
    await plane.snapshot(0, 0);
    const [web, breaks] = [bench.name(), bench.name()];
    const address = await runs(bench, web, 1);
    const [container] = await bench.containers(web);
    assert.equal(address, `${container?.ip}:3000`);
    assert.equal(container?.hostPorts.size, 0, "nothing is published");
    assert.equal(await (await fetch(`http://${address}/`)).text(), "hello \n");

    const broken = upstreamOf(await runs(bench, breaks, 2, BREAKS));
    await using proxy = await startProxy({ upstream: broken });
    using client = await Wire.connect(proxy.port);
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const { text, reset } = await client.toEnd();
    assert.match(text, /partial/);
    assert.deepEqual([reset, text.endsWith("0\r\n\r\n")], [true, false], "a broken response looks broken");

    const [host = ""] = address.split(":");
    const ask = `nc -w 2 ${host} 3000 </dev/null && echo reached || echo kept out; ${WEB_SERVER}`;
    await runs(bench, bench.name(), 3, ask);
    const said = await until(
      "the neighbour's output",
      () => plane.lines.find(({ text }) => text === "reached" || text === "kept out"),
    );
    assert.equal(said.text, "kept out");
  },
);

engineTest("a request goes to another instance when the container of the first is gone", async (bench) => {
  await bench.agent({ instanceAddress: "container" });
  await bench.plane.snapshot(0, 0);
  const name = bench.name();
  const dead = upstreamOf(await runs(bench, name, 1));
  const [container] = await bench.containers(name);
  using other = new App();
  const order = [dead, other.upstream];
  await using proxy = await startProxy({
    route: (_request, tried) => {
      const upstream = order.find(({ key }) => !tried.has(key));
      return upstream === undefined
        ? { kind: "fail", failure: { kind: "instance_unreachable", detail: "none left" } }
        : { kind: "forward", upstream };
    },
  });
  assert.ok(container);
  // The agent makes another one at once; its address is another one, too.
  await removeContainer(bench.engine, container.id, bench.signal);
  using client = await Wire.connect(proxy.port);
  await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  const { wire } = await other.request();
  assert.equal(await wire.exactly(2), "hi");
});

engineTest(
  "containers never get each other's addresses, nor those of the time before a restart",
  async (bench) => {
    const { plane } = bench;
    const stop = await bench.agent({ instanceAddress: "container" });
    const stream = await plane.snapshot(0, 0);
    const [first, second, third] = [bench.name(), bench.name(), bench.name()];
    const one = await runs(bench, first, 1);
    stream.send(remove(first, 2));
    await until("its removal", async () => (await bench.containers(first)).length === 0);
    const two = await runs(bench, second, 3);
    assert.notEqual(two, one);
    await stop();

    // A container goes while the agent is away.
    for (const { id } of await bench.containers(second)) {
      await removeContainer(
        bench.engine,
        id,
        bench.signal,
      );
    }
    await bench.agent({ instanceAddress: "container" });
    await plane.snapshot(1, 4, apply(third, 4));
    const [instance] = await plane.settled(third, Status.RUNNING);
    assert.ok(instance !== undefined && instance.address !== one && instance.address !== two);
  },
);

engineTest(
  "containers with published ports stay as they are, and get addresses when they are made anew",
  async (bench) => {
    const { plane } = bench;
    const stop = await bench.agent();
    const name = bench.name();
    await plane.snapshot(0, 1, apply(name, 1));
    const [before] = await plane.settled(name, Status.RUNNING);
    await stop();
    plane.reports.length = 0;
    await bench.agent({ instanceAddress: "container" });
    const [after] = await plane.settled(name, Status.RUNNING);
    assert.equal(after?.address, before?.address);
    const [old] = await bench.containers(name);
    assert.ok(old);
    await removeContainer(bench.engine, old.id, bench.signal);
    const [made] = await until("a new one", () => {
      const found = plane.instances(name);
      return found[0]?.status === Status.RUNNING && found[0].address !== before?.address && found;
    });
    assert.match(made?.address ?? "", /^10\.\d+\.\d+\.\d+:3000$/);
  },
);

engineTest("a pruned network is made again for a container that is started again", async (bench) => {
  const { plane } = bench;
  const stop = await bench.agent({ instanceAddress: "container" });
  await plane.snapshot(0, 0);
  const name = bench.name();
  const before = await runs(bench, name, 1);
  const [network] = await bench.networks();
  const [container] = await bench.containers(name);
  assert.ok(network && container);
  await stop();
  await stopContainer(bench.engine, container.id, 0, bench.signal);
  await removeNetwork(bench.engine, network.id, bench.signal);
  plane.reports.length = 0;
  await bench.agent({ instanceAddress: "container" });
  const [after] = await plane.settled(name, Status.RUNNING);
  assert.equal((await fetch(`http://${after?.address}/`)).status, 200);
  assert.match(after?.address ?? "", /^10\./, before);
});

engineTest(
  "where the engine's networks are not this machine's, ports are published and nothing is left",
  async (bench) => {
    const directory = await Deno.makeTempDir();
    try {
      const network = await OwnNetwork.open({
        engine: bench.engine,
        clock: systemClock(),
        log: silentLogger(),
        spec: { network: "unkey", controlPlaneId: bench.id, region: "test" },
        directory,
        interfaces: () => [{ name: "eth0", address: "10.128.0.1" }],
      });
      assert.equal(await network.take("a", bench.signal), undefined);
      assert.equal(await network.take("b", bench.signal), undefined);
      assert.deepEqual(await bench.networks(), []);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
);
