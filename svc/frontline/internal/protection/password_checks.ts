import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { digestOf } from "../../../../pkg/access_proof/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { Guesses } from "./guesses.ts";

/** A password, and the environment whose visitor has given it. */
export interface GivenPassword {
  readonly environmentId: string;
  /** The key of the environment's proofs: a new password comes with another one. */
  readonly key: Uint8Array;
  readonly password: string;
  /** The address or network of the visitor. */
  readonly client: string;
}

export type PasswordOutcome =
  | { readonly kind: "right" | "wrong" | "unavailable" }
  | { readonly kind: "too_many"; readonly retryAfterSeconds: number };

export interface PasswordChecksOptions {
  /** Without it no password can be checked. */
  readonly client: Pick<Client<typeof FrontlineService>, "checkPassword"> | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Longer than a password can be. */
export const PASSWORD_BYTES_MAX = 256;
/** Programs send a password with each request. A wrong one is remembered for less, since it may become right. */
const RIGHT_MS = 300_000;
const WRONG_MS = 30_000;
const KNOWN_MAX = 2_000;
/** Questions to the control plane at a time; a form that anybody may send must not become a load for it. */
const ASKED_MAX = 16;
const ASK_MS_MAX = 10_000;
const BUSY_SECONDS = 2;

/** Passwords of visitors. The control plane looks at them, and its answers are remembered by a digest. */
export class PasswordChecks {
  readonly #options: PasswordChecksOptions;
  readonly #guesses: Guesses;
  readonly #known = new Map<string, { readonly isRight: boolean; readonly untilMs: number }>();
  #asked = 0;

  constructor(options: PasswordChecksOptions) {
    this.#options = options;
    this.#guesses = new Guesses(options.clock);
  }

  /** An answer that is remembered. */
  known(given: Omit<GivenPassword, "client">): boolean | undefined {
    const found = this.#known.get(digest(given));
    return found !== undefined && found.untilMs > this.#options.clock.now() ? found.isRight : undefined;
  }

  /** Asks the control plane, unless the answer is remembered or the visitor has guessed too often. Does not fail. */
  async check(given: GivenPassword): Promise<PasswordOutcome> {
    const { environmentId, password, client } = given;
    if (password === "" || new TextEncoder().encode(password).length > PASSWORD_BYTES_MAX) {
      return { kind: "wrong" };
    }
    const known = this.known(given);
    if (known !== undefined) return { kind: known ? "right" : "wrong" };
    const who = `${environmentId} ${client}`;
    const retryAfterSeconds = this.#guesses.take(who);
    if (retryAfterSeconds !== undefined) return { kind: "too_many", retryAfterSeconds };
    const outcome = await this.#ask(environmentId, password);
    if (outcome.kind !== "wrong") this.#guesses.give(who);
    if (outcome.kind === "right" || outcome.kind === "wrong") {
      this.#remember(digest(given), outcome.kind === "right");
    }
    return outcome;
  }

  #remember(key: string, isRight: boolean): void {
    this.#known.delete(key);
    this.#known.set(key, {
      isRight,
      untilMs: this.#options.clock.now() + (isRight ? RIGHT_MS : WRONG_MS),
    });
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  async #ask(environmentId: string, password: string): Promise<PasswordOutcome> {
    const { client, log } = this.#options;
    if (client === undefined) return { kind: "unavailable" };
    if (this.#asked >= ASKED_MAX) return { kind: "too_many", retryAfterSeconds: BUSY_SECONDS };
    this.#asked++;
    try {
      const request = { environmentId, password };
      const { right } = await client.checkPassword(request, { timeoutMs: ASK_MS_MAX });
      return { kind: right ? "right" : "wrong" };
    } catch (error) {
      if (ConnectError.from(error).code === Code.ResourceExhausted) {
        return { kind: "too_many", retryAfterSeconds: BUSY_SECONDS };
      }
      log.warn("a password could not be checked", {
        environment_id: environmentId,
        error: describeError(error),
      });
      return { kind: "unavailable" };
    } finally {
      this.#asked--;
    }
  }
}

function digest({ environmentId, key, password }: Omit<GivenPassword, "client">): string {
  return digestOf(key, "password", environmentId, password);
}
