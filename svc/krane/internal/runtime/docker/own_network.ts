import { join } from "node:path";
import { Semaphore } from "../../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../../pkg/clock/mod.ts";
import {
  type Engine,
  ensureSeparatingBridge,
  inspectNetwork,
  type Network,
  removeNetwork,
} from "../../../../../pkg/docker/mod.ts";
import { describeError, isFault } from "../../../../../pkg/fault/mod.ts";
import { sha256Hex, shortHash } from "../../../../../pkg/hash/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { writeAtomically } from "../../watch/state_file.ts";
import { AddressBook } from "./address_book.ts";
import { LABEL, NETWORK_LABELS, type Place, type SpecOptions } from "./container_manifest.ts";
import { ipText, localSubnets, overlaps, parseSubnet, routedSubnets, type Subnet } from "./ipv4.ts";

export interface OwnNetworkOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly spec: Pick<SpecOptions, "network" | "controlPlaneId" | "region">;
  /** Folder of the agent, for its `addresses.json`. */
  readonly directory: string;
  /** The interfaces of this machine; by default the real ones. */
  readonly interfaces?: () => readonly Pick<Deno.NetworkInterfaceInfo, "name" | "address">[];
}

const SUBNET_BITS = 18;
const SUBNET_SIZE = 2 ** (32 - SUBNET_BITS);
/** The first addresses are for containers that others put into the network. */
const DYNAMIC_BITS = 24;
const DYNAMIC_SIZE = 2 ** (32 - DYNAMIC_BITS);
/** 10.128.0.0/10: the engine itself begins with 172.17.0.0. */
const SUBNETS = { first: 10 * 2 ** 24 + 128 * 2 ** 16, count: 256 };
const SUBNETS_TRIED_MAX = 32;
const ROUTES = "/proc/net/route";

/**
 * The network of one agent, whose addresses the agent gives out itself, so that an edge of this machine may connect to a
 * container without the engine's proxy in between: that proxy accepts for apps that are dead, and turns a reset into an
 * end. Docker gives the address of a removed container to the next one; here it rests first.
 *
 * Where this machine does not reach the engine's networks (a virtual machine, another user's namespace, another machine),
 * there is no such place, and ports are published as ever.
 */
export class OwnNetwork {
  readonly #options: OwnNetworkOptions;
  readonly #name: string;
  readonly #book: AddressBook;
  /** Names the bridge that this machine was found to have. */
  #reached = "";
  #isAway = false;
  readonly #turn = new Semaphore({ permits: 1 });
  #saved: string;

  private constructor(options: OwnNetworkOptions, text: string | undefined) {
    const { network, controlPlaneId, region } = options.spec;
    this.#options = options;
    this.#name = `${network}-${shortHash(`${controlPlaneId} ${region}`, 8)}`;
    this.#book = AddressBook.parse(text);
    this.#saved = text ?? "";
  }

  static async open(options: OwnNetworkOptions): Promise<OwnNetwork> {
    try {
      return new OwnNetwork(options, await Deno.readTextFile(fileIn(options.directory)));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return new OwnNetwork(options, undefined);
    }
  }

  /** A place for a new container; `undefined` when its port must be published instead. */
  take(container: string, signal: AbortSignal): Promise<Place | undefined> {
    return this.#turn.run(async () => {
      const { clock, log } = this.#options;
      const subnet = await this.#ensure(signal);
      if (subnet === undefined) return undefined;
      const address = this.#book.take(container, subnet, clock.now());
      if (address === undefined) {
        log.warn("no address has rested for long enough: a port is published", { instance: container });
        return undefined;
      }
      if (await this.#save()) return { kind: "address", network: this.#name, address };
      this.#book.release(address, clock.now());
      return undefined;
    }, signal);
  }

  /** Takes back the address of a container that is gone. */
  async release(address: string): Promise<void> {
    await this.#turn.run(async () => {
      this.#book.release(address, this.#options.clock.now());
      await this.#save();
    });
  }

  /** Makes the network again that a container is in, if it was removed meanwhile. */
  async restore(signal: AbortSignal): Promise<void> {
    await this.#turn.run(() => this.#ensure(signal), signal);
  }

  /** Takes the addresses, with the names, of all containers that exist. */
  async recover(present: ReadonlyMap<string, string>): Promise<void> {
    await this.#turn.run(async () => {
      this.#book.recover(present, this.#options.clock.now());
      await this.#save();
    });
  }

  /** The addresses that may be given out; `undefined` when this machine does not reach the network. */
  async #ensure(signal: AbortSignal): Promise<Subnet | undefined> {
    if (this.#isAway) return undefined;
    const { clock, engine, log } = this.#options;
    const found = await inspectNetwork(engine, this.#name, signal);
    const network = found ?? await this.#create(signal);
    const subnet = parseSubnet(network?.subnet ?? "");
    if (network === undefined || subnet === undefined || !this.#reaches(network)) {
      this.#isAway = true;
      log.info("instances keep published ports: their network is not one of this machine", {
        network: this.#name,
      });
      if (found === undefined && network !== undefined) await removeNetwork(engine, this.#name, signal);
      return undefined;
    }
    this.#book.open(network.subnet, found === undefined, clock.now());
    return { first: subnet.first + DYNAMIC_SIZE, last: subnet.last - 1 };
  }

  /** The engine names a bridge by its id, which no other machine has. */
  #reaches({ id, gateway }: Network): boolean {
    const bridge = `br-${id.slice(0, 12)}`;
    if (this.#reached === bridge) return true;
    const { interfaces = Deno.networkInterfaces } = this.#options;
    const isHere = interfaces().some(({ name, address }) => name === bridge && address === gateway);
    if (isHere) this.#reached = bridge;
    return isHere;
  }

  /** `undefined` when no subnet is free. */
  async #create(signal: AbortSignal): Promise<Network | undefined> {
    const { engine, spec: { controlPlaneId, region } } = this.#options;
    const labels = { ...NETWORK_LABELS, [LABEL.controlPlane]: controlPlaneId, [LABEL.region]: region };
    const taken = [...localSubnets(), ...routedSubnets(await readRoutes())];
    for (const subnet of this.#candidates().filter((each) => !taken.some((other) => overlaps(each, other)))) {
      const first = ipText(subnet.first);
      const range = {
        subnet: `${first}/${SUBNET_BITS}`,
        gateway: ipText(subnet.first + 1),
        dynamic: `${first}/${DYNAMIC_BITS}`,
      };
      try {
        await ensureSeparatingBridge(engine, { name: this.#name, labels, range }, signal);
        return await inspectNetwork(engine, this.#name, signal);
      } catch (error) {
        // It overlaps with a network that is not up.
        if (!isFault(error, "invalid_argument")) throw error;
      }
    }
    return undefined;
  }

  /** The subnet of last time first, then some that other agents are not likely to begin with. */
  #candidates(): Subnet[] {
    const start = Number.parseInt(sha256Hex(this.#name).slice(0, 6), 16);
    const former = parseSubnet(this.#book.subnet);
    const others = Array.from({ length: SUBNETS_TRIED_MAX }, (_, index): Subnet => {
      const first = SUBNETS.first + (start + index) % SUBNETS.count * SUBNET_SIZE;
      return { first, last: first + SUBNET_SIZE - 1 };
    });
    return former === undefined ? others : [former, ...others];
  }

  /** False when it fails: what is not written must not be given out. */
  async #save(): Promise<boolean> {
    const text = this.#book.text();
    if (text === this.#saved) return true;
    try {
      await writeAtomically(fileIn(this.#options.directory), text);
      this.#saved = text;
      return true;
    } catch (error) {
      this.#options.log.error("addresses cannot be saved", { error: describeError(error) });
      return false;
    }
  }
}

function fileIn(directory: string): string {
  return join(directory, "addresses.json");
}

/** Empty where there is no such file. */
async function readRoutes(): Promise<string> {
  try {
    return await Deno.readTextFile(ROUTES);
  } catch {
    return "";
  }
}
