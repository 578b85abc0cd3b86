import type { MessageInitShape } from "@bufbuild/protobuf";
import { z } from "zod";
import type { ReportInstanceLogsRequestSchema } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import type { OutputLine, OutputSink } from "../runtime/port.ts";
import { WakeSignal } from "../../../../pkg/async/mod.ts";

export type LogBatch = MessageInitShape<typeof ReportInstanceLogsRequestSchema>;

export interface ShipperOptions {
  readonly send: (batch: LogBatch, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Up to where each instance's output was shipped before the agent was restarted. */
  readonly shipped: ReadonlyMap<string, bigint>;
  readonly bounds?: Partial<ShipperBounds>;
}

export interface ShipperBounds {
  readonly linesPerDeploymentMax: number;
  readonly charsPerDeploymentMax: number;
  /** Of all deployments. */
  readonly charsMax: number;
  /** Of a deployment, also when the others have all the rest: noisy ones must not drop the lines of quiet ones. */
  readonly charsReserved: number;
  readonly linesPerBatchMax: number;
  readonly charsPerBatchMax: number;
  /** Lines gather so long before they are sent, in milliseconds, unless they fill a batch. */
  readonly gatherMs: number;
}

const BOUNDS: ShipperBounds = {
  linesPerDeploymentMax: 20_000,
  charsPerDeploymentMax: 4_000_000,
  charsMax: 16_000_000,
  charsReserved: 64_000,
  linesPerBatchMax: 1_000,
  charsPerBatchMax: 500_000,
  gatherMs: 250,
};
const RETRY_FIRST_MS = 500;
const RETRY_MS_MAX = 15_000;
const PARALLEL_MAX = 4;
const POSITIONS_MAX = 20_000;

interface Queue {
  lines: OutputLine[];
  chars: number;
  /** Lines that did not fit since the last accepted line, and the last of them. */
  dropped: number;
  lastDropped: OutputLine | undefined;
  failures: number;
  notBefore: number;
}

/**
 * Ships the output of instances to the control plane, in order per deployment, within a second, in bounded memory. Lines
 * that do not fit are dropped, counted and announced by a line.
 */
export class LogShipper implements OutputSink {
  readonly #options: ShipperOptions;
  readonly #bounds: ShipperBounds;
  readonly #queues = new Map<string, Queue>();
  readonly #shipped: Map<string, bigint>;
  readonly #wake: WakeSignal;
  #chars = 0;
  #dropped = 0;

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#wake = new WakeSignal(options.clock);
    this.#bounds = { ...BOUNDS, ...options.bounds };
    this.#shipped = new Map(options.shipped);
  }

  /** Output that is not shipped yet. */
  get waitingChars(): number {
    return this.#chars;
  }

  /** Lines that were dropped since the start. */
  get droppedLines(): number {
    return this.#dropped;
  }

  push(line: OutputLine): void {
    const queue = this.#queues.get(line.deploymentId) ??
      { lines: [], chars: 0, dropped: 0, lastDropped: undefined, failures: 0, notBefore: 0 };
    this.#queues.set(line.deploymentId, queue);
    if (!this.#hasRoom(queue, line)) {
      queue.dropped++;
      this.#dropped++;
      queue.lastDropped = line;
      return;
    }
    this.#announceDrops(queue);
    this.#add(queue, line);
    this.#wake.wake();
  }

  #hasRoom({ lines, chars }: Queue, { text }: OutputLine): boolean {
    const { charsMax, charsReserved, charsPerDeploymentMax, linesPerDeploymentMax } = this.#bounds;
    return lines.length < linesPerDeploymentMax && chars + text.length <= charsPerDeploymentMax &&
      (this.#chars + text.length <= charsMax || chars + text.length <= charsReserved);
  }

  #add(queue: Queue, line: OutputLine): void {
    queue.lines.push(line);
    queue.chars += line.text.length;
    this.#chars += line.text.length;
  }

  resumeFrom(instance: string): bigint | undefined {
    return this.#shipped.get(instance);
  }

  /** The position of each instance's shipped output. */
  shipped(): ReadonlyMap<string, bigint> {
    return this.#shipped;
  }

  forget(instance: string): void {
    this.#shipped.delete(instance);
  }

  /** Ships until the signal aborts; then tries once more to send the rest, at most for `lastMs`. */
  async run(signal: AbortSignal, lastMs = 2_000): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const waitMs = await this.#shipAll(signal);
      if (this.#isBehind()) continue;
      await this.#wake.wait(waitMs, signal);
      await clock.sleep(this.#bounds.gatherMs, signal).catch(() => undefined);
    }
    await this.#shipAll(AbortSignal.timeout(lastMs));
  }

  /** A whole batch waits, and may be sent: an app prints faster than batches gather. */
  #isBehind(): boolean {
    const { linesPerBatchMax, charsPerBatchMax } = this.#bounds;
    const nowMs = this.#options.clock.now();
    return [...this.#queues.values()].some(({ lines, chars, notBefore }) =>
      notBefore <= nowMs && (lines.length >= linesPerBatchMax || chars > charsPerBatchMax)
    );
  }

  /** Sends one round of batches. Returns when to come back at the latest, in milliseconds. */
  async #shipAll(signal: AbortSignal): Promise<number | undefined> {
    const now = this.#options.clock.now();
    const due = [...this.#queues].filter(([, queue]) => queue.notBefore <= now);
    for (let start = 0; start < due.length; start += PARALLEL_MAX) {
      await Promise.all(
        due.slice(start, start + PARALLEL_MAX).map(([id, queue]) => this.#ship(id, queue, signal)),
      );
    }
    for (const [id, queue] of this.#queues) {
      if (queue.lines.length === 0 && queue.dropped === 0) this.#queues.delete(id);
    }
    const waits = [...this.#queues.values()].map((queue) => Math.max(0, queue.notBefore - now));
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  async #ship(deploymentId: string, queue: Queue, signal: AbortSignal): Promise<void> {
    if (queue.lines.length < this.#bounds.linesPerDeploymentMax) this.#announceDrops(queue);
    const batch = this.#batchOf(queue);
    if (batch.length === 0) return;
    const lines = batch.map(({ instance, timeNs, ordinal, stream, text }) => ({
      instance,
      timeNs,
      ordinal,
      stream,
      text,
    }));
    try {
      await this.#options.send({ deploymentId, lines }, signal);
    } catch (error) {
      if (!isFault(error, "not_found", "invalid_argument")) {
        const waitMs = backoffMs(++queue.failures, RETRY_FIRST_MS, RETRY_MS_MAX);
        queue.notBefore = this.#options.clock.now() + waitMs;
        if (queue.failures === 1 && !signal.aborted) {
          this.#options.log.warn("log shipping failed", {
            deployment_id: deploymentId,
            error: describeError(error),
          });
        }
        return;
      }
      // The control plane does not know the deployment, or refuses these lines for good.
    }
    queue.failures = 0;
    queue.notBefore = 0;
    queue.lines.splice(0, batch.length);
    for (const { instance, timeNs, text, isOwn } of batch) {
      queue.chars -= text.length;
      this.#chars -= text.length;
      if (isOwn === true) continue;
      // The instance that printed last comes last: the instances beyond the limit have been quiet for longest.
      this.#shipped.delete(instance);
      this.#shipped.set(instance, timeNs);
    }
    for (const name of this.#shipped.keys()) {
      if (this.#shipped.size <= POSITIONS_MAX) break;
      this.#shipped.delete(name);
    }
  }

  #batchOf(queue: Queue): OutputLine[] {
    const { charsPerBatchMax, linesPerBatchMax } = this.#bounds;
    let chars = 0;
    const size = queue.lines.slice(0, linesPerBatchMax).findIndex((line) => {
      chars += line.text.length;
      return chars > charsPerBatchMax;
    });
    return queue.lines.slice(0, size < 0 ? linesPerBatchMax : Math.max(1, size));
  }

  /** Puts one line in place of those that were dropped; its time and ordinal are those of the last one. */
  #announceDrops(queue: Queue): void {
    const { lastDropped, dropped } = queue;
    if (lastDropped === undefined) return;
    const text =
      `(unkey: ${dropped} lines were dropped here, because they came faster than they could be shipped)`;
    this.#add(queue, { ...lastDropped, stream: "stderr", text });
    queue.dropped = 0;
    queue.lastDropped = undefined;
  }
}

const Positions = z.record(z.string(), z.string().regex(/^\d+$/));

/** Reads what `encodePositions` wrote; a broken file means that all output is shipped again, which is harmless. */
export function decodePositions(text: string): Map<string, bigint> {
  try {
    const parsed = Positions.parse(JSON.parse(text));
    return new Map(Object.entries(parsed).map(([name, time]) => [name, BigInt(time)]));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return new Map();
    throw error;
  }
}

/** The positions as JSON; times are decimal text, as JSON numbers cannot hold nanoseconds. */
export function encodePositions(shipped: ReadonlyMap<string, bigint>): string {
  return JSON.stringify(Object.fromEntries([...shipped].map(([name, time]) => [name, String(time)])));
}
