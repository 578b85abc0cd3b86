/** Writes a build's output to the deployment's events while the build runs. */
import { missingLines } from "../../../../pkg/build/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { appendLogLines, type CtrlDatabase } from "../../internal/store/mod.ts";

export interface LogSinkDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  /** Lines held while the database is slow; 15,000 by default. */
  readonly linesHeldMax?: number;
}

const FLUSH_MS = 150;
/** More than a step shows, so that a step that prints faster than the database writes loses nothing. */
const LINES_HELD_MAX = 15_000;
const LAST_FLUSH_TRIES = 3;

interface Chunk {
  readonly origin: string;
  /** Those before `start` are left out. */
  lines: string[];
  start: number;
}

/**
 * Takes lines as they come and writes them in small batches, in order. It holds a bounded number of lines: when the
 * database cannot keep up, the oldest give way and a line says how many. A build never fails for want of its log.
 */
export class BuildLogSink {
  readonly #deps: LogSinkDeps;
  readonly #deploymentId: string;
  readonly #heldMax: number;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #chunks: Chunk[] = [];
  #held = 0;
  #dropped = 0;

  constructor(deps: LogSinkDeps, deploymentId: string) {
    this.#deps = deps;
    this.#deploymentId = deploymentId;
    this.#heldMax = deps.linesHeldMax ?? LINES_HELD_MAX;
    this.#loop = this.#run();
  }

  /** Takes lines that `origin` printed. */
  push(origin: string, lines: readonly string[]): void {
    const newest = lines.slice(-this.#heldMax);
    this.#dropped += countOf(lines, 0, lines.length - newest.length);
    const last = this.#chunks.at(-1);
    if (last?.origin === origin) last.lines.push(...newest);
    else this.#chunks.push({ origin, lines: newest, start: 0 });
    this.#held += newest.length;
    this.#shed();
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
    for (let tries = 0; tries < LAST_FLUSH_TRIES && this.#pending; tries++) await this.#flush();
  }

  get #pending(): boolean {
    return this.#chunks.length > 0 || this.#dropped > 0;
  }

  /** Lets the oldest lines go that are more than may be held. Each line is moved a bounded number of times. */
  #shed(): void {
    while (this.#held > this.#heldMax) {
      const [oldest] = this.#chunks;
      if (oldest === undefined) return;
      const end = Math.min(oldest.lines.length, oldest.start + this.#held - this.#heldMax);
      this.#held -= end - oldest.start;
      this.#dropped += countOf(oldest.lines, oldest.start, end);
      oldest.start = end;
      if (oldest.start === oldest.lines.length) this.#chunks.shift();
      else if (oldest.start > this.#heldMax) compact(oldest);
    }
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#flush();
      try {
        await this.#deps.clock.sleep(FLUSH_MS, this.#closing.signal);
      } catch {
        // Closing; what is left is written by close().
      }
    }
  }

  async #flush(): Promise<void> {
    if (!this.#pending) return;
    const chunks = this.#chunks;
    const { db, clock, log } = this.#deps;
    const dropped = this.#dropped;
    this.#chunks = [];
    this.#held = 0;
    this.#dropped = 0;
    try {
      await transact(db, async (tx) => {
        const nowMs = clock.now();
        if (dropped > 0) {
          const lines = [`... ${dropped} lines were left out ...`];
          await appendLogLines(tx, this.#deploymentId, { source: "build", origin: "", lines }, nowMs);
        }
        for (const chunk of chunks) {
          const { origin, lines, start } = chunk;
          const log = { source: "build", origin, lines: lines.slice(start) } as const;
          await appendLogLines(tx, this.#deploymentId, log, nowMs);
        }
      });
    } catch (error) {
      log.warn("build log not written", { deployment_id: this.#deploymentId, error: describeError(error) });
      this.#chunks = [...chunks, ...this.#chunks];
      this.#held = this.#chunks.reduce((sum, each) => sum + each.lines.length - each.start, 0);
      this.#dropped += dropped;
      this.#shed();
    }
  }
}

function compact(chunk: Chunk): void {
  chunk.lines = chunk.lines.slice(chunk.start);
  chunk.start = 0;
}

/** The number of lines that were printed: a line can stand for others, which were left out before. */
function countOf(lines: readonly string[], start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) count += missingLines(lines[at] ?? "") ?? 1;
  return count;
}
