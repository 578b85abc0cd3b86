import type { Clock } from "../clock/mod.ts";
import { Pace, type RequestPace } from "./pace.ts";

/** Enough for the calls that run at once; more would only grow old. */
const NONCES_MAX = 32;
/** Authorities forget nonces after some minutes at the earliest. */
const NONCE_MS_MAX = 5 * 60_000;
const DIRECTORY_MS_MAX = 60 * 60_000;

/**
 * The requests to one authority, as few as can be: each answer brings a nonce for the next request, and the directory
 * changes once in months.
 */
export class Traffic {
  readonly directoryUrl: string;
  readonly #clock: Clock;
  readonly #pace: Pace | undefined;
  readonly #nonces: { readonly nonce: string; readonly sinceMs: number }[] = [];
  #directory: { readonly text: string; readonly sinceMs: number } | undefined;

  constructor(
    directoryUrl: string,
    { clock, pace }: { readonly clock: Clock; readonly pace?: RequestPace | undefined },
  ) {
    this.directoryUrl = directoryUrl;
    this.#clock = clock;
    this.#pace = pace && new Pace(pace, clock);
  }

  /** Waits until a request may be sent. */
  async turn(signal: AbortSignal): Promise<void> {
    await this.#pace?.turn(signal);
  }

  /** The youngest nonce that is not used yet. */
  takeNonce(): string | undefined {
    const last = this.#nonces.pop();
    if (last !== undefined && this.#clock.now() - last.sinceMs < NONCE_MS_MAX) return last.nonce;
    this.#nonces.length = 0;
    return undefined;
  }

  keepNonce(nonce: string): void {
    this.#nonces.push({ nonce, sinceMs: this.#clock.now() });
    if (this.#nonces.length > NONCES_MAX) this.#nonces.shift();
  }

  get directory(): string | undefined {
    const held = this.#directory;
    return held !== undefined && this.#clock.now() - held.sinceMs < DIRECTORY_MS_MAX ? held.text : undefined;
  }

  keepDirectory(text: string): void {
    this.#directory = { text, sinceMs: this.#clock.now() };
  }
}
