import { BlockList, isIP } from "node:net";

/**
 * True if `noProxy` lists the host of `url`: `*`, a domain, which stands for the hosts below it, too (`example.com`,
 * `.example.com`, `*.example.com`), an address, or a range of them (`10.0.0.0/8`). An entry with a port is about that port only.
 */
export function isExempt(url: URL, noProxy: string): boolean {
  const host = withoutBrackets(url.hostname);
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return noProxy.split(",").some((each) => {
    const entry = each.trim().toLowerCase();
    // More than one colon without brackets is an IPv6 address.
    const [, name, onlyPort] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [undefined, entry, port];
    return Number(onlyPort) === Number(port) && covers(withoutBrackets(name ?? ""), host);
  });
}

function covers(entry: string, host: string): boolean {
  if (entry === "*") return true;
  if (isIP(host) !== 0) return holdsAddress(entry, host);
  const domain = entry.replace(/^\*?\./, "");
  return domain !== "" && (host === domain || host.endsWith(`.${domain}`));
}

function holdsAddress(entry: string, host: string): boolean {
  const [address = "", bits] = entry.split("/");
  const family = isIP(address);
  if (family === 0 || family !== isIP(host)) return false;
  const [kind, bitsMax] = family === 4 ? ["ipv4" as const, 32] : ["ipv6" as const, 128];
  const range = bits === undefined ? bitsMax : /^\d+$/.test(bits) ? Number(bits) : Infinity;
  if (range > bitsMax) return false;
  const list = new BlockList();
  list.addSubnet(address, range, kind);
  return list.check(host, kind);
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}
