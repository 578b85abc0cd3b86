import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AcknowledgeRequestSchema } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { WakeSignal } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";

export type Acknowledgement = MessageInitShape<typeof AcknowledgeRequestSchema>;

/** The result of one change. */
export interface Result {
  readonly resourceType: "deployment" | "sentinel";
  readonly resourceId: string;
  readonly version: number;
  /** Empty: applied. */
  readonly error: string;
}

export interface AcknowledgerOptions {
  readonly send: (message: Acknowledgement, signal: AbortSignal) => Promise<void>;
  readonly watches: readonly { readonly cursor: number; readonly observed: number }[];
  readonly agentId: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const GATHER_MS = 100;
const HEARTBEAT_MS = 5_000;
const BATCH_MAX = 500;
/** Beyond it the oldest results are dropped: the applied version covers them. */
const RESULTS_MAX = 5_000;
const ERROR_CHARS_MAX = 1_000;

/** Sends ACKs and NACKs in batches, and heartbeats when there are none. */
export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  readonly #wake: WakeSignal;
  #results: Result[] = [];

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
    this.#wake = new WakeSignal(options.clock);
  }

  add(result: Result): void {
    this.#results.push({ ...result, error: result.error.slice(0, ERROR_CHARS_MAX) });
    if (this.#results.length > RESULTS_MAX) this.#results = this.#results.slice(-RESULTS_MAX);
    this.#wake.wake();
  }

  /** Runs until the signal aborts. A failed delivery is repeated with the next one. */
  async run(signal: AbortSignal): Promise<void> {
    const { agentId, clock, log, send, watches } = this.#options;
    let failing = false;
    while (!signal.aborted) {
      const batch = this.#results.slice(0, BATCH_MAX);
      const results = batch.map((each) => ({
        resourceType: each.resourceType,
        resourceId: each.resourceId,
        version: BigInt(each.version),
        error: each.error,
      }));
      try {
        await send({
          agentId,
          // All streams of a region share one counter: a version is applied when every stream is past it.
          appliedVersion: BigInt(Math.min(...watches.map((each) => each.cursor))),
          observedVersion: BigInt(Math.max(...watches.map((each) => each.observed))),
          results,
        }, signal);
        const sent = new Set(batch);
        this.#results = this.#results.filter((each) => !sent.has(each));
        failing = false;
      } catch (error) {
        if (signal.aborted) return;
        if (!failing) log.warn("acknowledge failed", { error: describeError(error) });
        failing = true;
      }
      if (failing) await clock.sleep(HEARTBEAT_MS / 2, signal).catch(() => undefined);
      else if (this.#results.length === 0) await this.#wake.wait(HEARTBEAT_MS, signal);
      await clock.sleep(GATHER_MS, signal).catch(() => undefined);
    }
  }
}
