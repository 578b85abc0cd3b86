import { BlockList, isIPv6 } from "node:net";

/** https://www.cloudflare.com/ips: the addresses of its proxy. */
const RANGES_4 = [
  "173.245.48.0/20",
  "103.21.244.0/22",
  "103.22.200.0/22",
  "103.31.4.0/22",
  "141.101.64.0/18",
  "108.162.192.0/18",
  "190.93.240.0/20",
  "188.114.96.0/20",
  "197.234.240.0/22",
  "198.41.128.0/17",
  "162.158.0.0/15",
  "104.16.0.0/13",
  "104.24.0.0/14",
  "172.64.0.0/13",
  "131.0.72.0/22",
];
const RANGES_6 = [
  "2400:cb00::/32",
  "2606:4700::/32",
  "2803:f800::/32",
  "2405:b500::/32",
  "2405:8100::/32",
  "2a06:98c0::/29",
  "2c0f:f248::/32",
];

const PROXY_4 = listOf(RANGES_4, "ipv4");
const PROXY_6 = listOf(RANGES_6, "ipv6");

/** True for an address of Cloudflare's proxy, behind which a name's own records are hidden. */
export function isCloudflare(address: string): boolean {
  return isIPv6(address) ? PROXY_6.check(address, "ipv6") : PROXY_4.check(address, "ipv4");
}

function listOf(ranges: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}
