import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { AcmeService } from "../../../proto/gen/ctrl/v1/acme_pb.ts";

export const CHALLENGE_PATH = "/.well-known/acme-challenge/";
const TOKEN = /^[A-Za-z0-9_-]{1,128}$/;
/** A certificate authority asks from several places at once, within seconds. */
const FOUND_MS = 10_000;
/** An answer "unknown" is not kept longer: the order that it belongs to may be just being made. */
const UNKNOWN_MS = 1_000;
const KEPT_MAX = 1_000;
/** Questions to the control plane at a time; a path that anybody may ask for must not become a load for it. */
const ASKED_MAX = 16;

interface Kept {
  readonly authorization: Promise<string | undefined>;
  untilMs: number;
}

export interface ChallengesOptions {
  readonly client: Client<typeof AcmeService>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Answers of HTTP-01 challenges (RFC 8555, section 8.3), which the control plane knows. */
export class Challenges {
  readonly #options: ChallengesOptions;
  readonly #kept = new Map<string, Kept>();
  #asked = 0;

  constructor(options: ChallengesOptions) {
    this.#options = options;
  }

  /**
   * The key authorization for a request target below the challenges' path. `undefined` when there is none, or when it
   * cannot be asked for: the request then belongs to the app, which may have a client of its own.
   */
  find(host: string, target: string): Promise<string | undefined> | undefined {
    const token = target.slice(CHALLENGE_PATH.length);
    if (!TOKEN.test(token)) return undefined;
    const key = `${host} ${token}`;
    const nowMs = this.#options.clock.now();
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.untilMs > nowMs) return kept.authorization;
    if (this.#asked >= ASKED_MAX) return undefined;
    const fresh: Kept = { authorization: this.#ask(host, token), untilMs: Infinity };
    void fresh.authorization.then((found) => {
      fresh.untilMs = this.#options.clock.now() + (found === undefined ? UNKNOWN_MS : FOUND_MS);
    });
    this.#keep(key, fresh);
    return fresh.authorization;
  }

  #keep(key: string, fresh: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, fresh);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }

  async #ask(domain: string, token: string): Promise<string | undefined> {
    const { client, log } = this.#options;
    this.#asked++;
    try {
      const { authorization } = await client.verifyCertificate({ domain, token });
      return authorization === "" ? undefined : authorization;
    } catch (error) {
      if (ConnectError.from(error).code !== Code.NotFound) {
        log.warn("a challenge could not be looked up", { host: domain, error: describeError(error) });
      }
      return undefined;
    } finally {
      this.#asked--;
    }
  }
}
