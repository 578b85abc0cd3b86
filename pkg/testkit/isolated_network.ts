/**
 * A network namespace that cannot reach this machine, private networks and link-local addresses. An operator gives builders
 * of untrusted Dockerfiles the same rules; for Kubernetes they are in `dev/k8s/manifests/buildkitd.yaml`.
 *
 * ```ts
 * await using network = await IsolatedNetwork.open({ allow: [registry.name] });
 * const [command, ...args] = network.inside("buildkitd", "--addr=unix:///run/b.sock");
 * ```
 *
 * All rules are in the namespace and go with it. It has no way to the internet: that would take a rule of the machine.
 *
 * @module
 */
import { networkInterfaces } from "node:os";
import { PRIVATE_V4 } from "../registry/mod.ts";
import { canRun, runCommand } from "./commands.ts";
import { PortRelay } from "./port_relay.ts";

/** Exceptions from the rules. */
export interface IsolatedNetworkOptions {
  /** `host:port`, TCP. A port of the machine's loopback is reached under the same name. */
  readonly allow: readonly string[];
}

const LOOPBACK = ["localhost", "127.0.0.1"];
const REJECT = ["-j", "REJECT", "--reject-with", "icmp-admin-prohibited"];

/** True when one can be made here: it needs root, iproute2, iptables and nsenter. */
export async function canIsolate(): Promise<boolean> {
  const programs = ["iptables", "ip6tables", "nsenter", "sysctl"].map((name) => [name, "--version"] as const);
  return await canRun([["ip", "netns"], ...programs]);
}

/** The namespace and its one link to this machine. */
export class IsolatedNetwork implements AsyncDisposable {
  /** As `ip netns` lists it. */
  readonly name: string;
  /** This machine's address on the link. */
  readonly gateway: string;
  /** By port. */
  readonly #relays = new Map<string, PortRelay>();

  private constructor(name: string, gateway: string) {
    this.name = name;
    this.gateway = gateway;
  }

  static async open(options: IsolatedNetworkOptions): Promise<IsolatedNetwork> {
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint8Array(2));
    const prefix = `10.${250 + high % 5}.${low}`;
    const network = new IsolatedNetwork(`uki${high}x${low}`, `${prefix}.1`);
    try {
      await network.#link(`${prefix}.2`);
      await network.#filter(options.allow);
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  /** The command that runs `command` in the namespace. The file system stays the machine's. */
  inside(...command: readonly string[]): readonly [string, ...string[]] {
    // Not "ip netns exec": it mounts a new /sys, without cgroups.
    return ["nsenter", `--net=/run/netns/${this.name}`, "--", ...command];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const relay of this.#relays.values()) await relay[Symbol.asyncDispose]();
    // Its end of the link goes with the namespace, and the other end with that one; a start that failed has neither.
    await runCommand("ip", "netns", "delete", this.name).catch(() => undefined);
    await runCommand("ip", "link", "delete", this.name).catch(() => undefined);
  }

  async #link(address: string): Promise<void> {
    const { name, gateway } = this;
    await runCommand("ip", "netns", "add", name);
    await runCommand("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
    await runCommand("ip", "addr", "add", `${gateway}/30`, "dev", name);
    await runCommand("ip", "link", "set", name, "up");
    await runCommand("ip", "-n", name, "link", "set", "lo", "up");
    await runCommand("ip", "-n", name, "addr", "add", `${address}/30`, "dev", "eth0");
    await runCommand("ip", "-n", name, "link", "set", "eth0", "up");
    await runCommand("ip", "-n", name, "route", "add", "default", "via", gateway);
  }

  async #filter(allow: readonly string[]): Promise<void> {
    const filter = (...rule: readonly string[]) => this.#run("iptables", "-w", "-A", "OUTPUT", ...rule);
    for (const each of allow) {
      const [host = "", port = ""] = each.split(":");
      if (LOOPBACK.includes(host)) await this.#lead(port);
      const to = LOOPBACK.includes(host) ? this.gateway : host;
      await filter("-p", "tcp", "-d", to, "--dport", port, "-j", "ACCEPT");
    }
    // Its own loopback: nothing of the machine listens there.
    await filter("-o", "lo", "-j", "ACCEPT");
    const ranges = PRIVATE_V4.map(([network, prefix]) => `${network}/${prefix}`);
    for (const range of [...ranges, ...ownAddresses()]) await filter("-d", range, ...REJECT);
    await this.#run("ip6tables", "-w", "-A", "OUTPUT", "!", "-o", "lo", "-j", "REJECT");
  }

  /** Leads a port of the namespace's loopback to the same port of this machine's. */
  async #lead(port: string): Promise<void> {
    const { gateway } = this;
    if (this.#relays.has(port)) return;
    this.#relays.set(port, await PortRelay.listen({ address: gateway, port: Number(port) }));
    const nat = (...rule: readonly string[]) => this.#run("iptables", "-w", "-t", "nat", "-A", ...rule);
    // Packets from 127.0.0.1 leave through a link only when this is set.
    await this.#run("sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1");
    await nat("OUTPUT", "-p", "tcp", "-d", "127.0.0.1", "--dport", port, "-j", "DNAT", "--to", gateway);
    await nat("POSTROUTING", "-p", "tcp", "-d", gateway, "--dport", port, "-j", "MASQUERADE");
  }

  async #run(...command: readonly string[]): Promise<void> {
    const [name, ...args] = this.inside(...command);
    await runCommand(name, ...args);
  }
}

/** IPv4 addresses of this machine, which need not be in a private range. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.filter(({ family }) => family === "IPv4").map(({ address }) => address);
}
