/** IPv4 addresses as numbers. */

/** The addresses from `first` to `last`, both included. */
export interface Subnet {
  readonly first: number;
  readonly last: number;
}

/** The number of an address such as `10.0.0.1`; `undefined` for other texts. */
export function parseIp(text: string): number | undefined {
  const parts = text.split(".").map((part) => /^[0-9]{1,3}$/.test(part) ? Number(part) : NaN);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function ipText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** Reads `10.0.0.0/8`; `undefined` for other texts. */
export function parseSubnet(text: string): Subnet | undefined {
  const [ip = "", bits = ""] = text.split("/");
  const address = parseIp(ip);
  if (address === undefined || !/^[0-9]{1,2}$/.test(bits) || Number(bits) > 32) return undefined;
  const size = 2 ** (32 - Number(bits));
  const first = address - address % size;
  return { first, last: first + size - 1 };
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** The networks of this machine's interfaces. */
export function localSubnets(): Subnet[] {
  return Deno.networkInterfaces().flatMap(({ family, address, netmask }) => {
    const [own, mask] = [parseIp(address), parseIp(netmask)];
    if (family !== "IPv4" || own === undefined || mask === undefined) return [];
    const first = (own & mask) >>> 0;
    return [{ first, last: first + (~mask >>> 0) }];
  });
}

/** The networks that Linux routes, but for the default route, from the text of `/proc/net/route`. */
export function routedSubnets(table: string): Subnet[] {
  return table.split("\n").slice(1).flatMap((line) => {
    const [, destination = "", , , , , , mask = ""] = line.split(/\s+/);
    const [first, bits] = [littleEndian(destination), littleEndian(mask)];
    if (first === undefined || bits === undefined || bits === 0) return [];
    return [{ first, last: first + (~bits >>> 0) }];
  });
}

function littleEndian(hex: string): number | undefined {
  if (!/^[0-9A-Fa-f]{8}$/.test(hex)) return undefined;
  const bytes = hex.match(/../g) ?? [];
  return bytes.toReversed().reduce((sum, byte) => sum * 256 + Number.parseInt(byte, 16), 0);
}
