/** The firewall rules of `docs/operate/docker.md`, on this machine, for the network of one test. */
import assert from "node:assert/strict";
import { canRun, runCommand } from "../../pkg/testkit/commands.ts";
import { isInNetworks, parseNetwork } from "../../pkg/networks/mod.ts";
import { apply, shell, Status, until, WEB_SERVER } from "./testing.ts";
import { Bench, NO_ENGINE } from "./testing_bench.ts";

const PAGE = new URL("../../docs/operate/docker.md", import.meta.url);
const CAN_SET = await canRun([["iptables", "--version"], ["iptables", "-S", "DOCKER-USER"]]);

/** The arguments of the page's commands, for this network. */
async function rules(net: string): Promise<string[][]> {
  const text = await Deno.readTextFile(PAGE);
  const lines = text.split("\n").filter((line) => line.startsWith("iptables "));
  assert.equal(lines.length, 5);
  return lines.map((line) => line.replace('"$net"', net).split(" ").slice(1));
}

/** Sets rules, and takes them away at the end. */
async function withRules(net: string, work: () => Promise<void>): Promise<void> {
  const set: string[][] = [];
  try {
    for (const rule of await rules(net)) {
      await runCommand("iptables", ...rule);
      set.push(rule);
    }
    await work();
  } finally {
    for (const rule of set) await runCommand("iptables", ...rule.map((word) => word === "-I" ? "-D" : word));
  }
}

/** The machine's interface in the network of an app. */
function interfaceOf(ip: string): Deno.NetworkInterfaceInfo {
  const found = Deno.networkInterfaces().find(({ cidr }) =>
    isInNetworks([parseNetwork(cidr) ?? []].flat(), ip)
  );
  return found ?? assert.fail(`no interface for ${ip}`);
}

/** Says each second whether the machine's port can be reached, and serves. */
function asking(host: string, port: number): string[] {
  const ask = `nc -w 2 ${host} ${port} </dev/null >/dev/null && echo reached || echo kept out`;
  return shell(`(while true; do ${ask}; sleep 1; done) & ${WEB_SERVER}`);
}

Deno.test({
  name: "the rules of the docs keep an app from the machine's ports, and let the edge reach it",
  ignore: NO_ENGINE || !CAN_SET,
  fn: async () => {
    await using bench = await Bench.open();
    await bench.agent({ instanceAddress: "container" });
    const first = bench.name();
    await bench.plane.snapshot(0, 1, apply(first, 1));
    const [{ address = "" } = {}] = await bench.plane.settled(first, Status.RUNNING);
    const { address: gateway, cidr } = interfaceOf(address.split(":")[0] ?? "");
    // A port of the machine that listens on all of its addresses, as careless programs do.
    const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
    const serving = (async () => {
      for await (const connection of listener) connection.close();
    })();
    try {
      const stream = await bench.plane.stream(0);
      const app = bench.name();
      stream.send(apply(app, 2, { command: asking(gateway, listener.addr.port) }));
      const [instance] = await bench.plane.settled(app, Status.RUNNING);
      const said = () => bench.plane.lines.findLast(({ instance: name }) => name?.includes(app))?.text;
      await until("the way to be open without rules", () => said() === "reached");
      await withRules(cidr, async () => {
        await until("the app to be kept out", () => said() === "kept out");
        assert.equal((await fetch(`http://${instance?.address}/`)).status, 200, "the edge reaches it");
      });
      await until("the way to be open again", () => said() === "reached");
    } finally {
      listener.close();
      await serving;
    }
  },
});
