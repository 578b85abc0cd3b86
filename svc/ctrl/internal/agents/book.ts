import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type CtrlDatabase, type HeardAgent, recordAgents } from "../store/mod.ts";

/** What a book works with. */
export interface AgentBookOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a sign of life may wait for others. */
  readonly gatherMs?: number;
}

/** What was heard of an agent. */
export type AgentNote = Omit<HeardAgent, "nowMs">;

/** A stream whose client does not speak for itself. */
export interface Attendance {
  /** Up to here it has taken what was sent. */
  delivered(version: number): void;
  /** The stream is over. */
  end(): void;
}

const GATHER_MS = 5_000;
/** News of many agents about the same change comes within moments: they are written together. */
const BREATH_MS = 40;
/** How often attended streams count as a sign of life. */
const ATTEND_MS = 10_000;
/** A transaction that is over within some ten milliseconds. */
const ROWS_PER_WRITE = 2_000;
/** Agents that this process remembers; beyond it, some news is written that is none. */
const KNOWN_MAX = 50_000;

/** One per process. */
export class AgentBook {
  readonly #options: AgentBookOptions;
  /** What was written last of each agent. */
  readonly #known = new Map<string, string>();
  readonly #attended = new Map<symbol, { note: AgentNote }>();
  readonly #closing = new AbortController();
  #waiting = new Map<string, HeardAgent>();
  /** Until the last write is over, and a moment longer. */
  #breathing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #gathering: Promise<void> | undefined;
  #attending: Promise<void> | undefined;

  constructor(options: AgentBookOptions) {
    this.#options = options;
  }

  /**
   * Notes that an agent lives, and what it says. Resolves at once for a mere sign of life, and for news when it is
   * written.
   */
  async note(note: AgentNote): Promise<void> {
    const before = this.#waiting.get(note.agentId);
    const nowMs = this.#options.clock.now();
    // A NACK that waits is not lost to an ACK that follows it.
    this.#waiting.set(note.agentId, { ...before, ...note, nowMs });
    const isNews = note.nack !== undefined || this.#known.get(note.agentId) !== fingerprint(note);
    if (isNews) await this.#writeSoon();
    else this.#gather();
  }

  /** Speaks for a client that does not, as long as its stream lasts. */
  attend(agent: { readonly agentId: string; readonly region: string }): Attendance {
    const key = Symbol(agent.agentId);
    const entry = { note: agent as AgentNote };
    this.#attended.set(key, entry);
    this.#speak(entry.note);
    this.#attending ??= this.#attend();
    return {
      delivered: (version) => {
        entry.note = { ...agent, progress: { appliedVersion: version, observedVersion: version } };
      },
      end: () => void this.#attended.delete(key),
    };
  }

  /** Writes what waits and ends. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#attending;
    await this.#gathering;
    await this.#writeSoon().catch(() => undefined);
    await this.#breathing;
  }

  async #attend(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#closing.signal.aborted) {
      // Ends early only with the process.
      await clock.sleep(ATTEND_MS, this.#closing.signal).catch(() => undefined);
      for (const { note } of this.#attended.values()) this.#speak(note);
    }
  }

  #speak(note: AgentNote): void {
    this.note(note).catch((error: unknown) => {
      this.#options.log.warn("a sign of life was not written", { error: describeError(error) });
    });
  }

  #gather(): void {
    const { clock, log, gatherMs = GATHER_MS } = this.#options;
    this.#gathering ??= clock.sleep(gatherMs, this.#closing.signal).catch(() => undefined)
      .then(() => {
        this.#gathering = undefined;
        return this.#writeSoon();
      })
      // It comes again: agents repeat it.
      .catch((error: unknown) => log.warn("signs of life were not written", { error: describeError(error) }));
  }

  /** Joins the write that comes next; one is under way at a time, and with a breath between two. */
  #writeSoon(): Promise<void> {
    this.#next ??= this.#breathing.then(() => {
      this.#next = undefined;
      const writing = this.#write();
      this.#breathing = writing.catch(() => undefined).then(() => this.#breathe());
      return writing;
    });
    return this.#next;
  }

  #breathe(): Promise<void> {
    return this.#options.clock.sleep(BREATH_MS, this.#closing.signal).catch(() => undefined);
  }

  async #write(): Promise<void> {
    const waiting = [...this.#waiting.values()];
    this.#waiting = new Map();
    for (let start = 0; start < waiting.length; start += ROWS_PER_WRITE) {
      const part = waiting.slice(start, start + ROWS_PER_WRITE);
      await transact(this.#options.db, (tx) => recordAgents(tx, part));
    }
    if (this.#known.size > KNOWN_MAX) this.#known.clear();
    for (const each of waiting) this.#known.set(each.agentId, fingerprint(each));
  }
}

function fingerprint({ region, progress }: AgentNote): string {
  return `${region} ${progress?.appliedVersion} ${progress?.observedVersion}`;
}
