import type { Client } from "@connectrpc/connect";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { describeError } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { AcmeService } from "../../../proto/gen/ctrl/v1/acme_pb.ts";

/** The longest time for which a handshake waits; within the limit of a handshake. */
const WAIT_MS = 8_000;
/** A name whose certificate did not come is not asked for again sooner. */
const AGAIN_MS = 60_000;
/** Questions to the control plane at a time. */
const ASKED_MAX = 16;
const KEPT_MAX = 10_000;

export interface WantedOptions {
  readonly client: Pick<Client<typeof AcmeService>, "wantCertificate">;
  readonly clock: Clock;
  readonly log: Logger;
  /** True for hosts that are served here. All others are names that a stranger made up. */
  readonly isServed: (host: string) => boolean;
  /** True if there is a certificate for the host. */
  readonly covers: (host: string) => boolean;
}

interface Wanted {
  readonly come: PromiseWithResolvers<void>;
  readonly untilMs: number;
}

/** Certificates that are ordered when a visitor first asks for a host. */
export class WantedCertificates {
  readonly #options: WantedOptions;
  readonly #wanted = new Map<string, Wanted>();
  #asked = 0;

  constructor(options: WantedOptions) {
    this.#options = options;
  }

  /**
   * Wants a certificate for a host in lower case. The promise ends when it is there, or when it is not to be waited for any
   * longer; `undefined`: none will come now.
   */
  want(host: string): Promise<void> | undefined {
    const { clock, isServed, covers } = this.#options;
    if (covers(host) || !isServed(host)) return undefined;
    const nowMs = clock.now();
    const known = this.#wanted.get(host);
    if (known !== undefined && known.untilMs > nowMs) return known.come.promise;
    if (this.#asked >= ASKED_MAX) return undefined;
    const wanted: Wanted = { come: Promise.withResolvers<void>(), untilMs: nowMs + AGAIN_MS };
    this.#keep(host, wanted);
    void this.#ask(host, wanted);
    return wanted.come.promise;
  }

  /** Lets those go on whose certificate has come. */
  arrived(): void {
    for (const [host, { come }] of [...this.#wanted]) {
      if (!this.#options.covers(host)) continue;
      this.#wanted.delete(host);
      come.resolve();
    }
  }

  #keep(host: string, wanted: Wanted): void {
    this.#wanted.delete(host);
    this.#wanted.set(host, wanted);
    const [oldest] = this.#wanted.keys();
    if (this.#wanted.size <= KEPT_MAX || oldest === undefined) return;
    this.#wanted.get(oldest)?.come.resolve();
    this.#wanted.delete(oldest);
  }

  async #ask(host: string, { come }: Wanted): Promise<void> {
    const { client, clock, log } = this.#options;
    const done = new AbortController();
    void come.promise.then(() => done.abort());
    this.#asked++;
    try {
      const { ordered } = await client.wantCertificate({ hostname: host });
      if (ordered) await clock.sleep(WAIT_MS, done.signal).catch(() => undefined);
    } catch (error) {
      log.warn("a certificate could not be asked for", { host, error: describeError(error) });
    } finally {
      this.#asked--;
      come.resolve();
    }
  }
}
