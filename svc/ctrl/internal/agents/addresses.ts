import { isInNetworks, isInside, type Network, parseNetwork } from "../../../../pkg/networks/mod.ts";
import { decodeStrings } from "../json.ts";
import type { RegionTokensTable } from "../store/mod.ts";

/**
 * Addresses that mean something else on each machine: this machine, its link, no or every machine, and IPv4 addresses in
 * the clothes of IPv6, with the metadata services of clouds among them. An edge that connected there would reach its own ports
 * or those of the control plane. Only a network that lies in one of these lets them in: `0.0.0.0/0` does not.
 */
const OWN = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/3",
  "::/96",
  "::ffff:0:0/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "2002::/16",
  "fd00:ec2::254/128",
  "fe80::/10",
  "ff00::/8",
].flatMap((each) => parseNetwork(each) ?? []);

/** The networks of a token; none: the default rule holds. */
export function networksOf({ networks }: Pick<RegionTokensTable, "networks">): string[] {
  return networks === null ? [] : decodeStrings(networks);
}

/** Why edges must not connect to `address`, an agent's `host:port`, as the end of a sentence; `undefined`: they may. */
export function addressProblem(address: string, networks: readonly string[]): string | undefined {
  const host = hostOf(address);
  if (host === undefined) return "is not an IP address with a port";
  const allowed = networks.flatMap((each) => parseNetwork(each) ?? []);
  if (allowed.length === 0) {
    return isInNetworks(OWN, host) ? "is a loopback, link-local or other special address" : undefined;
  }
  // Most regions have one or two networks, so that this costs less than a look-up.
  if (isInNetworks(isInNetworks(OWN, host) ? allowed.filter(isSpecial) : allowed, host)) return undefined;
  return `is not in the networks of the region's token (${networks.join(", ")})`;
}

function isSpecial(network: Network): boolean {
  return OWN.some((each) => isInside(network, each));
}

/** The IP address of `10.0.0.1:80` or `[fd00::1]:80`. */
function hostOf(address: string): string | undefined {
  const [, four, six, port] = /^(?:([0-9.]{7,15})|\[([0-9A-Fa-f:.]{2,45})\]):([0-9]{1,5})$/.exec(address) ??
    [];
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  return isPort && parseNetwork(four ?? six ?? "") !== undefined ? four ?? six : undefined;
}
