import type { Clock } from "../../../pkg/clock/mod.ts";
import { Fault } from "../../../pkg/fault/mod.ts";
import { isInNetworks, parseNetwork } from "../../../pkg/networks/mod.ts";
import { clientAddress } from "../../../pkg/rpc/mod.ts";
import type { CodeGuesses } from "../services/session/deps.ts";
import { networkOf } from "../../../pkg/tcp/mod.ts";

/** So many wrong credentials of a client in a row are answered as such: an agent with a revoked token tries for a while. */
const BURST = 100;
/** After them, one of each so many milliseconds. */
const REFILL_MS = 3_000;
const CLIENTS_MAX = 10_000;
/** Proxies in front of each other. */
const HOPS_MAX = 10;
const LOOPBACK = ["127.0.0.0/8", "::1"].flatMap((each) => parseNetwork(each) ?? []);

interface Level {
  /** Guesses that count still, at `atMs`. */
  count: number;
  atMs: number;
}

/**
 * Slows down clients that try credentials: each guess costs a look-up, and an operator may choose a weak service token. Each
 * api process counts for itself, so that n processes behind a balancer allow n times as many; a count in the database would
 * cost a write for each guess. `docs/decisions/0048` has the bits of each credential.
 */
export class Guesses {
  readonly #clock: Clock;
  /** By client, the one that tried last at the end. */
  readonly #levels = new Map<string, Level>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts a credential that is not known yet. @throws `rate_limited` when the client has tried too many */
  take(client: string): void {
    const nowMs = this.#clock.now();
    const count = this.#count(client, nowMs);
    if (count + 1 > BURST) {
      throw new Fault("rate_limited", "too many wrong credentials", {
        publicMessage:
          "Too many wrong credentials came from your address. Try again later, with the right ones.",
        retryAfterSeconds: Math.ceil((count + 1 - BURST) * REFILL_MS / 1_000),
      });
    }
    this.#levels.delete(client);
    // An attacker with more addresses than this has more than this could slow down.
    const oldest = this.#levels.size >= CLIENTS_MAX ? this.#levels.keys().next().value : undefined;
    if (oldest !== undefined) this.#levels.delete(oldest);
    this.#levels.set(client, { count: count + 1, atMs: nowMs });
  }

  /** The credential was right, or is not known to be wrong. */
  give(client: string): void {
    const level = this.#levels.get(client);
    if (level === undefined) return;
    level.count -= 1;
    if (level.count <= 0) this.#levels.delete(client);
  }

  #count(client: string, nowMs: number): number {
    const level = this.#levels.get(client);
    return level === undefined ? 0 : Math.max(0, level.count - Math.max(0, nowMs - level.atMs) / REFILL_MS);
  }
}

/** The guesses of codes by the clients of their requests. */
export function codeGuessesOf(guesses: Guesses, isProxy: (address: string) => boolean): CodeGuesses {
  return {
    take: (headers) => guesses.take(clientOf(headers, isProxy)),
    give: (headers) => guesses.give(clientOf(headers, isProxy)),
  };
}

/**
 * The client of a request. Each trusted proxy adds the address of its own client to the end of the list. Requests from this
 * machine come from its edge, which is trusted; the header of any other address is not.
 *
 * @param isProxy of an address: its X-Forwarded-For is believed
 */
export function clientOf(headers: Headers, isProxy: (address: string) => boolean): string {
  const said = (headers.get("x-forwarded-for") ?? "").split(",").map((each) => each.trim());
  let client = clientAddress(headers);
  for (let hops = 0; hops < HOPS_MAX && (isLoopback(client) || isProxy(client)); hops++) {
    const next = said.pop() ?? "";
    if (parseNetwork(next) === undefined || next.includes("/")) break;
    client = next;
  }
  return networkOf(client);
}

function isLoopback(address: string): boolean {
  return isInNetworks(LOOPBACK, networkOf(address));
}
