import { BlockList, isIPv6 } from "node:net";

// In one list, the IPv4 addresses would also be looked up as IPv6.
const RESERVED_4 = new BlockList();
const RESERVED_6 = new BlockList();
/** https://www.iana.org/assignments/iana-ipv4-special-registry and its sister for IPv6, without what is routed. */
for (
  const [network, prefix] of [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["224.0.0.0", 3],
  ] as const
) RESERVED_4.addSubnet(network, prefix, "ipv4");
for (
  const [network, prefix] of [
    ["::", 96],
    ["::ffff:0:0", 96],
    ["64:ff9b:1::", 48],
    ["fc00::", 7],
    ["fe80::", 10],
    ["ff00::", 8],
  ] as const
) RESERVED_6.addSubnet(network, prefix, "ipv6");

/** False for an address of this machine or of a private network: records of strangers must not lead there. */
export function isPublicAddress(address: string): boolean {
  return isIPv6(address) ? !RESERVED_6.check(address, "ipv6") : !RESERVED_4.check(address, "ipv4");
}
