/**
 * Networks in CIDR notation, and the addresses in them.
 *
 * ```ts
 * const network = parseNetwork("10.0.0.0/8");
 * isInNetworks([network], "10.1.2.3"); // true
 * isInside(network, parseNetwork("0.0.0.0/0")); // true
 * ```
 *
 * An IPv4 address within IPv6 (`::ffff:10.1.2.3`) is an IPv6 address here, and in no IPv4 network.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";

/** A network; an address alone is a network of one. */
export interface Network {
  readonly text: string;
  readonly family: "ipv4" | "ipv6";
  readonly address: string;
  readonly bits: number;
  readonly list: BlockList;
}

const BITS_MAX = { ipv4: 32, ipv6: 128 } as const;

/** The network of `10.0.0.0/8`, `fd00::/8` or an address; `undefined` for another text. */
export function parseNetwork(text: string): Network | undefined {
  const [address = "", size, ...rest] = text.split("/");
  const family = familyOf(address);
  if (family === undefined || rest.length > 0) return undefined;
  const bits = size === undefined ? BITS_MAX[family] : /^[0-9]{1,3}$/.test(size) ? Number(size) : Infinity;
  if (bits > BITS_MAX[family]) return undefined;
  const list = new BlockList();
  list.addSubnet(address, bits, family);
  return { text, family, address, bits, list };
}

/** True if one of the networks holds the address; false for a text that is no address. */
export function isInNetworks(networks: readonly Network[], address: string): boolean {
  const family = familyOf(address);
  return family !== undefined &&
    networks.some((each) => each.family === family && each.list.check(address, family));
}

/** True if every address of `inner` is one of `outer`. */
export function isInside(inner: Network, outer: Network): boolean {
  return inner.bits >= outer.bits && isInNetworks([outer], inner.address);
}

/** Without the zones of IPv6 addresses, which name an interface of one machine. */
function familyOf(address: string): Network["family"] | undefined {
  if (address.includes("%")) return undefined;
  const family = isIP(address);
  return family === 4 ? "ipv4" : family === 6 ? "ipv6" : undefined;
}

/** A predicate for addresses in one of `networks`, which were checked when the settings were read. */
export function networkMatcher(networks: readonly string[]): (address: string) => boolean {
  const parsed = networks.flatMap((each) => parseNetwork(each) ?? []);
  return (address) => isInNetworks(parsed, address);
}
