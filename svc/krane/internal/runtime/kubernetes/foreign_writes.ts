import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";

/** An object that another writer has changed after the agent wrote it. */
export interface ForeignWrite {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number | undefined;
  /** The names of its other writers, as Kubernetes records them; a second agent has the same name as this one. */
  readonly writers: readonly string[];
}

/** A mistake of another writer is written over at once so often, before the agent takes its time. */
const PROMPT_MAX = 3;
const WAIT_FIRST_MS = 1_000;
const WAIT_MS_MAX = 60_000;
/** A writer that was silent for so long has stopped. */
const QUIET_MS = 120_000;

interface Contention {
  count: number;
  generation: number | undefined;
  lastMs: number;
  dueMs: number;
}

/**
 * Slows the agent down where another writer changes the same object again and again: without it the two would write against
 * each other as fast as the cluster takes it. The agent has the last word, a minute later at most.
 */
export class ForeignWrites {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #contentions = new Map<string, Contention>();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Milliseconds until the agent should write again; 0: now. */
  waitMs({ generation, kind, name, namespace, writers }: ForeignWrite): number {
    const now = this.#clock.now();
    const key = `${kind}/${namespace}/${name}`;
    const known = this.#contentions.get(key);
    const isQuiet = known === undefined || Math.abs(now - known.lastMs) >= QUIET_MS;
    const contention = isQuiet ? { count: 0, generation: undefined, lastMs: now, dueMs: now } : known;
    this.#contentions.set(key, contention);
    if (contention.generation !== generation) {
      contention.count++;
      contention.generation = generation;
      contention.lastMs = now;
      const waits = contention.count - PROMPT_MAX;
      if (waits > 0) contention.dueMs = now + Math.min(WAIT_MS_MAX, WAIT_FIRST_MS * 2 ** (waits - 1));
      if (waits === 1) {
        this.#log.warn("another writer keeps changing what this agent writes", {
          ...{ kind, namespace, name, times: contention.count },
          writers: writers.length === 0 ? "another agent of the same region" : writers.join(", "),
        });
      }
    }
    return Math.max(0, contention.dueMs - now);
  }

  forget(name: string): void {
    for (const key of this.#contentions.keys()) if (key.endsWith(`/${name}`)) this.#contentions.delete(key);
  }
}
