import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type CtrlDatabase, type NewSpan, storeSpans } from "../store/mod.ts";

export interface SpanSinkOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Takes spans; never blocks and never throws. */
export type SpanTaker = Pick<SpanSink, "push">;

const GATHER_MS = 200;
const HELD_MAX = 5_000;
const TRIES_MAX = 3;

interface Batch {
  readonly spans: NewSpan[];
  tries: number;
}

/**
 * Writes spans in the background, those of a deployment together: no deploy waits for its trace, or fails for it. A process
 * that is killed loses the spans of the last moment.
 */
export class SpanSink {
  readonly #options: SpanSinkOptions;
  readonly #closing = new AbortController();
  #waiting = new Map<string, Batch>();
  #held = 0;
  #dropped = 0;
  #gathering: Promise<void> | undefined;

  constructor(options: SpanSinkOptions) {
    this.#options = options;
  }

  push(deploymentId: string, spans: readonly NewSpan[]): void {
    const room = spans.slice(0, Math.max(0, HELD_MAX - this.#held));
    this.#dropped += spans.length - room.length;
    if (room.length === 0) return;
    const batch = this.#waiting.get(deploymentId) ?? { spans: [], tries: 0 };
    batch.spans.push(...room);
    this.#waiting.set(deploymentId, batch);
    this.#held += room.length;
    this.#gather();
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#gathering;
    await this.#write();
  }

  #gather(): void {
    if (this.#closing.signal.aborted) return;
    this.#gathering ??= this.#options.clock.sleep(GATHER_MS, this.#closing.signal).catch(() => undefined)
      .then(() => this.#write())
      .finally(() => {
        this.#gathering = undefined;
        if (this.#held > 0) this.#gather();
      });
  }

  async #write(): Promise<void> {
    const { db, log } = this.#options;
    const waiting = this.#waiting;
    this.#waiting = new Map();
    this.#held = 0;
    if (this.#dropped > 0) log.warn("spans left out", { count: this.#dropped });
    this.#dropped = 0;
    for (const [id, batch] of waiting) {
      try {
        await transact(db, (tx) => storeSpans(tx, id, batch.spans));
      } catch (error) {
        if (++batch.tries >= TRIES_MAX || this.#closing.signal.aborted) {
          log.warn("spans not written", { deployment_id: id, error: describeError(error) });
        } else this.#keep(id, batch);
      }
    }
  }

  #keep(id: string, batch: Batch): void {
    const newer = this.#waiting.get(id)?.spans ?? [];
    this.#waiting.set(id, { spans: [...batch.spans, ...newer], tries: batch.tries });
    this.#held += batch.spans.length;
  }
}
