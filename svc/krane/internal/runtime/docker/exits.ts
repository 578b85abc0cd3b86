import type { StartTrouble } from "./refusals.ts";
import type { Exit } from "./status.ts";

/** The record of one container; it lives as long as the agent. */
export interface ContainerHistory {
  /** Ends since it was last healthy. */
  exits: number;
  lastExit: Exit | undefined;
  /** True once the last lines of `lastExit` have been read. */
  linesRead: boolean;
  /** True once a line in the app's output has reported `lastExit`. */
  isNoted: boolean;
  /** Resolves when the output of the run that ended last has been read. */
  outputRead: Promise<void>;
  /** The agent stops it, for this reason; consumed by the end that follows. */
  stopReason: string | undefined;
  /** The engine reported that memory ran out; consumed by the end that follows. */
  outOfMemoryAt: number | undefined;
  /** Starts by the agent after the first one. */
  restartsByAgent: number;
  startAttempts: number;
  startNotBefore: number;
  startTrouble: StartTrouble | undefined;
}

/** Events of the engine after which the state of a deployment may differ. */
export const CHANGES: ReadonlySet<string> = new Set([
  "start",
  "die",
  "oom",
  "destroy",
  "pause",
  "unpause",
  "health_status",
]);

/** An end within so many milliseconds of a lack of memory was caused by it. */
const OUT_OF_MEMORY_MS = 5_000;

/** Remembers how containers ended: the engine itself forgets it when it restarts one. */
export class Histories {
  readonly #all = new Map<string, ContainerHistory>();
  /** The ends of containers that are being removed, by name. */
  readonly #replaced = new Map<string, Exit>();

  /** The history of a container, by name; begins empty. */
  of(name: string): ContainerHistory {
    const known = this.#all.get(name);
    if (known !== undefined) return known;
    const history: ContainerHistory = {
      exits: 0,
      lastExit: undefined,
      linesRead: false,
      isNoted: false,
      outputRead: Promise.resolve(),
      stopReason: undefined,
      outOfMemoryAt: undefined,
      restartsByAgent: 0,
      startAttempts: 0,
      startNotBefore: 0,
      startTrouble: undefined,
    };
    this.#all.set(name, history);
    return history;
  }

  /** A container ended. */
  ended(name: string, exitCode: number, nowMs: number): void {
    const history = this.of(name);
    const { outOfMemoryAt } = history;
    const oomKilled = outOfMemoryAt !== undefined && nowMs - outOfMemoryAt <= OUT_OF_MEMORY_MS;
    history.exits++;
    history.lastExit = {
      exitCode,
      oomKilled,
      lastLines: history.lastExit?.lastLines ?? [],
      atMs: nowMs,
      ...(history.stopReason === undefined ? {} : { stoppedBecause: history.stopReason }),
    };
    history.linesRead = false;
    history.isNoted = false;
    history.stopReason = undefined;
    history.outOfMemoryAt = undefined;
  }

  /** A container's app answers: what was before does not matter any more. */
  healthy(name: string): void {
    const history = this.of(name);
    history.exits = 0;
    history.startAttempts = 0;
    history.startTrouble = undefined;
  }

  /** The agent removes a container for this reason: the end of its run belongs to the history of the next one, too. */
  replaced(name: string, reason: string, nowMs: number): void {
    const lastLines = this.of(name).lastExit?.lastLines ?? [];
    const end = { exitCode: 0, oomKilled: false, lastLines, atMs: nowMs };
    this.#replaced.set(name, { ...end, stoppedBecause: reason, isEvicted: true });
  }

  forget(name: string): void {
    this.#all.delete(name);
    const lastExit = this.#replaced.get(name);
    if (lastExit === undefined) return;
    this.#replaced.delete(name);
    // The output has a line about it already, and its own lines were read.
    Object.assign(this.of(name), { lastExit, linesRead: true, isNoted: true });
  }
}
