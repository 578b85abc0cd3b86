import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";

/** Interfaces of container engines and virtual machines: no other machine reaches their addresses. */
const VIRTUAL = /^(docker|br-|veth|virbr|cni|flannel|podman)/;

/** Addresses of this machine that others may reach, those of the public internet first. */
export function ownAddresses(): readonly string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    VIRTUAL.test(name) ? [] : (addresses ?? []).filter(({ internal }) => !internal)
  ).map(({ address }) => plain(address)).filter((address) => !isLinkLocal(address));
  return all.toSorted((a, b) => Number(isPrivate(a)) - Number(isPrivate(b)));
}

/** True for an address that only its own network reaches. */
export function isPrivate(address: string): boolean {
  if (!isIPv4(address)) return /^f[cd]/i.test(address);
  const [a = 0, b = 0] = address.split(".").map(Number);
  return a === 10 || a === 127 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b < 128);
}

function isLinkLocal(address: string): boolean {
  return address.startsWith("169.254.") || /^fe[89ab]/i.test(address);
}

/** Without the zone of an IPv6 address, in lower case. */
function plain(address: string): string {
  return (address.split("%")[0] ?? "").toLowerCase();
}
