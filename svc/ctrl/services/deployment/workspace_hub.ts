import { WakeSignal } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { type CtrlDatabase, listWorkspaceHeads } from "../../internal/store/mod.ts";
import { type ChangesAfter, WorkspaceLog, type WorkspacePosition } from "./workspace_log.ts";

export interface WorkspaceHubOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pollMs?: number;
}

interface Watched {
  readonly log: WorkspaceLog;
  readonly readers: Set<WakeSignal>;
  /** When its last reader left. */
  leftAtMs: number;
}

const POLL_MS = 500;
const POLL_MS_MAX = 10_000;
const HEARTBEAT_MS = 5_000;
/** A workspace whose last reader left is remembered for so long, so that a stream that was cut goes on. */
const REMEMBERED_MS = 60_000;

/**
 * Watches workspaces for all streams of this process. One workspace is looked at after the other, whatever the number of its
 * streams: with more of them, each is looked at less often. Without streams nothing is read.
 */
export class WorkspaceHub {
  readonly #options: WorkspaceHubOptions;
  readonly #wake: WakeSignal;
  readonly #watched = new Map<string, Watched>();

  constructor(options: WorkspaceHubOptions) {
    this.#options = options;
    this.#wake = new WakeSignal(options.clock);
  }

  /** Workspaces that are watched or remembered. */
  get size(): number {
    return this.#watched.size;
  }

  /** Looks at the workspaces until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { pollMs = POLL_MS } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      failures = await this.#pollAll(signal) ? 0 : failures + 1;
      this.#forgetOld();
      const waitMs = failures === 0 ? pollMs : backoffMs(failures, pollMs, POLL_MS_MAX);
      await this.#wake.wait(this.#watched.size === 0 ? undefined : waitMs, signal);
    }
    for (const { readers } of this.#watched.values()) for (const reader of readers) reader.wake();
  }

  /** The changes after a position, again and again until `signal` aborts; `undefined`: there was none for 5 s. */
  async *changes(
    workspaceId: string,
    from: WorkspacePosition,
    signal: AbortSignal,
  ): AsyncGenerator<ChangesAfter | undefined> {
    const watched = this.#watch(workspaceId);
    const reader = new WakeSignal(this.#options.clock);
    watched.readers.add(reader);
    if (watched.readers.size === 1) this.#wake.wake();
    try {
      for (let position = from, isFirst = true; !signal.aborted;) {
        const after = watched.log.after(position);
        if (after !== undefined && (isFirst || after.all || after.changes.length > 0)) {
          [position, isFirst] = [after, false];
          yield after;
        } else if (!await reader.wait(HEARTBEAT_MS, signal) && !signal.aborted) yield undefined;
      }
    } finally {
      watched.readers.delete(reader);
      watched.leftAtMs = this.#options.clock.now();
    }
  }

  #watch(workspaceId: string): Watched {
    const known = this.#watched.get(workspaceId);
    if (known !== undefined) return known;
    const fresh = { log: new WorkspaceLog(), readers: new Set<WakeSignal>(), leftAtMs: 0 };
    this.#watched.set(workspaceId, fresh);
    return fresh;
  }

  /** False if one of them could not be read. */
  async #pollAll(signal: AbortSignal): Promise<boolean> {
    const { db, log } = this.#options;
    let isRead = true;
    for (const [workspaceId, { log: changes, readers }] of this.#watched) {
      if (readers.size === 0 || signal.aborted) continue;
      try {
        if (!changes.take(await listWorkspaceHeads(db.kysely, workspaceId))) continue;
        for (const reader of readers) reader.wake();
      } catch (error) {
        isRead = false;
        log.warn("look at a workspace failed", { workspace_id: workspaceId, error: describeError(error) });
      }
    }
    return isRead;
  }

  #forgetOld(): void {
    const beforeMs = this.#options.clock.now() - REMEMBERED_MS;
    for (const [id, { readers, leftAtMs }] of this.#watched) {
      if (readers.size === 0 && leftAtMs < beforeMs) this.#watched.delete(id);
    }
  }
}
