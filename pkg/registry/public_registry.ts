import { lookup } from "node:dns/promises";
import { isPublicAddress } from "./public_address.ts";
import { HUB, parseReference } from "./reference.ts";

export interface PublicRegistryOptions {
  /** Registries that may be private, as `host[:port]`. */
  readonly trusted: readonly string[];
  readonly signal: AbortSignal;
}

/** Last parts of names that stand for a machine, a network or a cluster. */
export const PRIVATE_SUFFIXES: readonly string[] = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "lan",
  "home",
  "corp",
  "svc",
  "arpa",
];

const LOOKUP_MS_MAX = 5_000;
/** The last part of an IPv4 address, in all notations that resolvers take. */
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/**
 * True if an image's registry is one of the internet's, or trusted. Addresses and names without a dot are refused, and names that
 * resolve to a private address. A name that does not resolve here passes: the machines that pull may know it.
 */
export async function isPublicRegistry(image: string, options: PublicRegistryOptions): Promise<boolean> {
  const { trusted, signal } = options;
  const host = canonicalHost(parseReference(image).host);
  if (host === HUB || trusted.some((each) => canonicalHost(each) === host)) return true;
  const hostname = host.replace(/:[0-9]+$/, "").replace(/\.$/, "");
  return isPublicName(hostname) && await hasPublicAddresses(hostname, signal);
}

function isPublicName(hostname: string): boolean {
  const labels = hostname.split(".");
  const last = labels.at(-1) ?? "";
  return labels.length > 1 && !NUMBER.test(last) && !PRIVATE_SUFFIXES.includes(last);
}

/** The resolver of the system takes no signal: a slow one is not waited for, and counts as one that does not know. */
async function hasPublicAddresses(hostname: string, signal: AbortSignal): Promise<boolean> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(LOOKUP_MS_MAX)]);
  const waited = new Promise<readonly { address: string }[]>((resolve) => {
    late.addEventListener("abort", () => resolve([]), { once: true });
  });
  const found = await Promise.race([lookup(hostname, { all: true }).catch(() => []), waited]);
  signal.throwIfAborted();
  return found.every(({ address }) => isPublicAddress(address));
}

/** A host is the same in any case, and with the port that it has anyway. */
function canonicalHost(host: string): string {
  return host.toLowerCase().replace(/:(?:443|80)$/, "");
}
