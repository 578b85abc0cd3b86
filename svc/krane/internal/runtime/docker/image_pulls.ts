import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../../pkg/retry/mod.ts";

/** The progress of a pull; `againMs` is the time to its next attempt. */
export type PullState =
  | { readonly kind: "pulling" }
  | { readonly kind: "failed"; readonly message: string; readonly againMs: number };

const RETRY_FIRST_MS = 5_000;
const RETRY_MS_MAX = 60_000;
const PULL_MS_MAX = 15 * 60_000;
const KEPT_MAX = 1_000;

interface Pull {
  state: "pulling" | "failed";
  message: string;
  attempts: number;
  retryAt: number;
  done: Promise<void>;
}

export interface PullTimes {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly failed: boolean;
}

export interface ImagePullsOptions {
  readonly pull: (image: string, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a pull has ended, well or not. */
  readonly onChange: (image: string, took: PullTimes) => void;
}

/** Pulls images in the background, each once however many instances wait for it, and again later when it fails. */
export class ImagePulls {
  readonly #options: ImagePullsOptions;
  readonly #stop = new AbortController();
  readonly #pulls = new Map<string, Pull>();

  constructor(options: ImagePullsOptions) {
    this.#options = options;
  }

  /** The pull of `image`, which the engine does not have now; it is started, or repeated when it is time. */
  ensure(image: string): PullState {
    if (this.#stop.signal.aborted) return { kind: "pulling" };
    const now = this.#options.clock.now();
    const current = this.#pulls.get(image);
    if (current?.state === "pulling") return { kind: "pulling" };
    if (current !== undefined && now < current.retryAt) {
      return { kind: "failed", message: current.message, againMs: current.retryAt - now };
    }
    const pull = current ??
      { state: "pulling", message: "", attempts: 0, retryAt: 0, done: Promise.resolve() };
    if (this.#pulls.size >= KEPT_MAX) this.#pulls.clear();
    this.#pulls.set(image, pull);
    pull.state = "pulling";
    pull.done = this.#run(image, pull);
    // A failure that is known stays the answer while it is tried again: it must not flap.
    return pull.attempts === 0
      ? { kind: "pulling" }
      : { kind: "failed", message: pull.message, againMs: RETRY_FIRST_MS };
  }

  /** Forgets former failures of an image that is there or no longer wanted. */
  forget(image: string): void {
    if (this.#pulls.get(image)?.state === "failed") this.#pulls.delete(image);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#pulls.values()].map((each) => each.done));
  }

  async #run(image: string, pull: Pull): Promise<void> {
    const { clock, log, onChange } = this.#options;
    const startedAtMs = clock.now();
    let failed = false;
    try {
      await this.#options.pull(image, AbortSignal.any([this.#stop.signal, AbortSignal.timeout(PULL_MS_MAX)]));
      this.#pulls.delete(image);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      failed = true;
      pull.state = "failed";
      pull.attempts++;
      pull.retryAt = clock.now() + backoffMs(pull.attempts, RETRY_FIRST_MS, RETRY_MS_MAX);
      pull.message = isFault(error) && error.publicMessage !== undefined
        ? error.publicMessage
        : `The image "${image}" could not be pulled within ${PULL_MS_MAX / 60_000} minutes.`;
      log.warn("image pull failed", { image, attempt: pull.attempts, error: describeError(error) });
    }
    onChange(image, { startedAtMs, endedAtMs: clock.now(), failed });
  }
}
