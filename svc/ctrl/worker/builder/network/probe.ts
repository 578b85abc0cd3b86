import { lookup } from "node:dns/promises";
import { type Connection, probeFetch } from "../../../../../pkg/build/mod.ts";
import { isPublicAddress } from "../../../../../pkg/registry/mod.ts";
import { openListeners } from "./listeners.ts";

/** An address that a builder reaches, as messages name it. */
export type Reached = string;

/** A download that a builder is asked for. */
interface Target {
  readonly name: string;
  readonly url: string;
  /** `undefined`: another program listens there, so that the builder's error has to tell. */
  readonly wasAsked?: () => boolean;
}

/** The metadata service of most clouds, with the machine's credentials. */
const METADATA = { name: "169.254.169.254 (the metadata service)", url: "http://169.254.169.254/" };
/** A listener of a reachable network answers within milliseconds; a lost packet is sent again after 1 and 3 seconds. */
const ANSWER_MS_MAX = 5_000;
const AT_ONCE_MAX = 16;
/** Go's words for a connection that was never made: refused, no route, timed out, or an unknown host. */
const NOT_CONNECTED = /: dial (?:tcp|udp)/;

/**
 * Tries which addresses a builder's network leads to: all of this machine, the metadata service, and `others`, URLs of the
 * platform, as far as they are at private addresses. Downloads stand for the daemon's network, see `checkBuilderNetwork`.
 *
 * @throws `unavailable` when the builder did not try
 */
export async function reachedFrom(
  connection: Connection,
  { others, signal }: { readonly others: readonly string[]; readonly signal: AbortSignal },
): Promise<readonly Reached[]> {
  await using listeners = openListeners();
  const own = listeners.all.map(({ address, url, wasAsked }) => ({
    name: `${address} (this worker)`,
    url,
    wasAsked,
  }));
  const targets: readonly Target[] = [...own, METADATA, ...await privateOnes(others)];
  const reached: Reached[] = [];
  for (let start = 0; start < targets.length; start += AT_ONCE_MAX) {
    const some = targets.slice(start, start + AT_ONCE_MAX);
    const found = await Promise.all(some.map((target) => isReached(connection, target, signal)));
    reached.push(...some.filter((_, index) => found[index] === true).map(({ name }) => name));
  }
  return reached;
}

/**
 * A refused connection is no proof of a way: firewalls refuse, too. Any answer is one, and so is an error that is not known,
 * such as one about a protocol.
 */
async function isReached(
  connection: Connection,
  { url, wasAsked }: Target,
  signal: AbortSignal,
): Promise<boolean> {
  const outcome = await probeFetch(connection, url, { answerMsMax: ANSWER_MS_MAX, signal });
  if (wasAsked !== undefined) return wasAsked();
  return outcome.kind === "fetched" || (outcome.kind === "failed" && !NOT_CONNECTED.test(outcome.error));
}

/** Services at public addresses have to protect themselves. */
async function privateOnes(urls: readonly string[]): Promise<readonly Target[]> {
  const checked = await Promise.all(urls.map(async (url) => {
    const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
    const found = await lookup(host, { all: true }).catch(() => []);
    return found.some(({ address }) => !isPublicAddress(address)) ? [{ name: new URL(url).host, url }] : [];
  }));
  return checked.flat();
}
