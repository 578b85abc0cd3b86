import assert from "node:assert/strict";
import { z } from "zod";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { OwnNetwork } from "./own_network.ts";
import { engineFault, type EngineRequest, FakeEngine } from "./testing_engine.ts";

const Wanted = z.object({
  Name: z.string(),
  Labels: z.record(z.string(), z.string()),
  IPAM: z.object({
    Config: z.tuple([z.object({ Subnet: z.string(), Gateway: z.string(), IPRange: z.string() })]),
  }),
});
type Made = z.output<typeof Wanted>["IPAM"]["Config"][0] & { readonly id: string };

/** The engine of one network, and the machine that it is on. */
class Machine {
  readonly clock = new ManualClock();
  readonly logs: string[] = [];
  readonly tried: string[] = [];
  readonly engine = new FakeEngine((request) => this.#answer(request));
  network: Made | undefined;
  /** So many subnets overlap with others of the engine. */
  overlaps = 0;
  isHere = true;
  #made = 0;

  constructor(readonly directory: string) {}

  /** An administrator removes the network. */
  prune(): void {
    this.network = undefined;
  }

  /** The agent, after a start. */
  open(region = "eu-1"): Promise<OwnNetwork> {
    return OwnNetwork.open({
      engine: this.engine,
      clock: this.clock,
      log: createLogger({ service: "test", level: "info", write: (line) => this.logs.push(line) }),
      spec: { network: "unkey", controlPlaneId: "cp", region },
      directory: this.directory,
      interfaces: () => [
        { name: "lo", address: "127.0.0.1" },
        { name: `br-${this.isHere ? this.network?.id : "other"}`, address: this.network?.Gateway ?? "" },
      ],
    });
  }

  #answer({ body, method, path }: EngineRequest): unknown {
    if (method === "DELETE") return void (this.network = undefined);
    if (method === "GET") {
      if (this.network === undefined) throw engineFault("not_found", `network ${path} not found`);
      const { Gateway, Subnet, id } = this.network;
      return { Id: `${id}${"0".repeat(52)}`, Name: "n", IPAM: { Config: [{ Gateway, Subnet }] } };
    }
    const [config] = Wanted.parse(body).IPAM.Config;
    this.tried.push(config.Subnet);
    if (this.overlaps-- > 0) throw engineFault("invalid_argument", "Pool overlaps with other one");
    this.network = { ...config, id: String(++this.#made).padStart(12, "a") };
    return { Id: this.network.id };
  }
}

function machineTest(name: string, test: (machine: Machine) => Promise<void>): void {
  Deno.test(name, async () => {
    const directory = await Deno.makeTempDir();
    try {
      await test(new Machine(directory));
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

const signal = new AbortController().signal;

async function addressOf(network: OwnNetwork, container: string): Promise<string | undefined> {
  const place = await network.take(container, signal);
  return place?.kind === "address" ? place.address : undefined;
}

machineTest(
  "OwnNetwork gives addresses in turn, beyond those that the engine gives itself",
  async (machine) => {
    const network = await machine.open();
    const [a, b] = [await addressOf(network, "a"), await addressOf(network, "b")];
    const prefix = machine.network?.Subnet.split(".").slice(0, 2).join(".");
    const third = Number(machine.network?.Subnet.split(".")[2]) + 1;
    assert.deepEqual([a, b], [`${prefix}.${third}.0`, `${prefix}.${third}.1`]);
    assert.match(machine.network?.Subnet ?? "", /^10\.\d+\.\d+\.0\/18$/);
    assert.equal(machine.network?.IPRange, machine.network?.Subnet.replace("/18", "/24"));
    assert.equal(machine.tried.length, 1, "one network for all");
  },
);

/** An edge that is behind would send requests to another app. */
machineTest("OwnNetwork keeps what it gave, and what rests, over a restart", async (machine) => {
  const before = await machine.open();
  const [a, b] = [await addressOf(before, "a") ?? "", await addressOf(before, "b") ?? ""];
  await before.release(a);
  const after = await machine.open();
  await after.recover(new Map([[b, "b"]]));
  const c = await addressOf(after, "c");
  assert.equal([a, b].includes(c ?? ""), false);
  const text = await Deno.readTextFile(`${machine.directory}/addresses.json`);
  assert.deepEqual(Object.keys(JSON.parse(text).held), [b, c]);
});

machineTest("OwnNetwork takes another subnet where the engine has one that overlaps", async (machine) => {
  machine.overlaps = 3;
  assert.notEqual(await addressOf(await machine.open(), "a"), undefined);
  assert.equal(machine.tried.length, 4);
  assert.equal(new Set(machine.tried).size, 4, "no subnet twice");
});

machineTest("OwnNetwork leaves it at published ports where every subnet is taken", async (machine) => {
  machine.overlaps = Infinity;
  const network = await machine.open();
  assert.equal(await addressOf(network, "a"), undefined);
  const { length } = machine.tried;
  assert.ok(length > 1 && length <= 32, `${length}`);
  assert.equal(await addressOf(network, "b"), undefined);
  assert.equal(machine.tried.length, length, "it is tried once");
  assert.match(machine.logs.join(), /published ports/);
});

machineTest(
  "OwnNetwork removes what it made where the bridge is not of this machine, and nothing else",
  async (machine) => {
    machine.isHere = false;
    assert.equal(await addressOf(await machine.open(), "a"), undefined);
    assert.equal(machine.network, undefined, "its own network");
    machine.isHere = true;
    await addressOf(await machine.open(), "b");
    machine.isHere = false;
    assert.equal(await addressOf(await machine.open(), "c"), undefined);
    assert.notEqual(machine.network, undefined, "one of before, which containers may be in");
  },
);

machineTest(
  "OwnNetwork makes a pruned network again with the addresses of its containers",
  async (machine) => {
    const network = await machine.open();
    const a = await addressOf(network, "a");
    const before = machine.network;
    machine.prune();
    await network.restore(signal);
    assert.equal(machine.network?.Subnet, before?.Subnet);
    assert.notEqual(machine.network?.id, before?.id);
    assert.notEqual(await addressOf(network, "b"), a);
  },
);

machineTest("OwnNetwork gives agents of other regions networks of their own", async (machine) => {
  const names: string[] = [];
  for (const region of ["eu-1", "eu-2"]) {
    machine.prune();
    await (await machine.open(region)).restore(signal);
    const request = machine.engine.requests.findLast(({ method }) => method === "POST");
    const { Labels, Name } = Wanted.parse(request?.body);
    names.push(Name);
    assert.match(Name, /^unkey-[0-9a-z]{8}$/);
    assert.equal(Labels["unkey.region"], region);
  }
  assert.equal(new Set(names).size, 2);
});

/** After a restart an address that was not written down would be given to two apps. */
machineTest("OwnNetwork gives nothing that it cannot write down", async (machine) => {
  const network = await machine.open();
  await Deno.mkdir(`${machine.directory}/addresses.json`);
  await Deno.writeTextFile(`${machine.directory}/addresses.json/x`, "");
  assert.equal(await addressOf(network, "a"), undefined);
  assert.match(machine.logs.join(), /addresses cannot be saved/);
  await Deno.remove(`${machine.directory}/addresses.json`, { recursive: true });
  assert.notEqual(await addressOf(network, "a"), undefined, "and goes on when it can");
});

machineTest("OwnNetwork begins anew with a broken file", async (machine) => {
  await Deno.writeTextFile(`${machine.directory}/addresses.json`, "{");
  assert.notEqual(await addressOf(await machine.open(), "a"), undefined);
});
