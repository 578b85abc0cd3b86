import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import {
  acknowledgeSwitches,
  type CtrlDatabase,
  EDGE_REGION,
  type EdgeProgress,
  type HeardAgent,
  recordAgents,
} from "../store/mod.ts";

export interface AgentHeartbeatsOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  /** The time that a heartbeat without progress may wait for others. */
  readonly gatherMs?: number;
}

/** A heartbeat of an agent or edge, with its progress if it says that. */
export type AgentHeartbeat = Omit<HeardAgent, "nowMs">;

/** A stream whose client sends no heartbeats of its own. */
export interface TrackedStream {
  /** The client has taken everything up to this version. */
  delivered(version: number): void;
  /** The stream has ended. */
  end(): void;
}

/** An agent or edge without a heartbeat for so long counts as dead; a region without another agent is unavailable. */
export const AGENT_HEARTBEAT_TIMEOUT_MS = 30_000;
const GATHER_MS = 5_000;
/** Agents acknowledge the same change within milliseconds: their rows are written together. */
const WRITE_PAUSE_MS = 40;
/** Tracked streams send their heartbeats at this interval. */
const TRACKED_MS = 10_000;
/** A transaction that is over within some ten milliseconds. */
const ROWS_PER_WRITE = 2_000;
/** Agents that this process remembers; beyond it, some heartbeats without progress are written at once. */
const KNOWN_MAX = 50_000;

/** Writes the heartbeats of all agents of a process in batches. */
export class AgentHeartbeats {
  readonly #options: AgentHeartbeatsOptions;
  /** The fingerprint of the last written heartbeat of each agent. */
  readonly #known = new Map<string, string>();
  readonly #tracked = new Map<symbol, { heartbeat: AgentHeartbeat }>();
  readonly #closing = new AbortController();
  #waiting = new Map<string, HeardAgent>();
  /** Until the last write is over, and the pause after it. */
  #pausing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #gathering: Promise<void> | undefined;
  #tracking: Promise<void> | undefined;

  constructor(options: AgentHeartbeatsOptions) {
    this.#options = options;
  }

  /**
   * Records that an agent lives, with its progress. Resolves at once for a repeated heartbeat; for a new agent, version or
   * NACK, when it is written.
   */
  async record(heartbeat: AgentHeartbeat): Promise<void> {
    const before = this.#waiting.get(heartbeat.agentId);
    const nowMs = this.#options.clock.now();
    // A NACK that waits is not lost to an ACK that follows it.
    this.#waiting.set(heartbeat.agentId, { ...before, ...heartbeat, nowMs });
    const mustWriteNow = heartbeat.nack !== undefined ||
      this.#known.get(heartbeat.agentId) !== fingerprint(heartbeat);
    if (mustWriteNow) await this.#writeSoon();
    else this.#gather();
  }

  /** Sends heartbeats for a client without its own, until its stream ends. */
  trackStream(agent: { readonly agentId: string; readonly region: string }): TrackedStream {
    const key = Symbol(agent.agentId);
    const entry = { heartbeat: agent as AgentHeartbeat };
    this.#tracked.set(key, entry);
    this.#recordTracked(entry.heartbeat);
    this.#tracking ??= this.#track();
    return {
      delivered: (version) => {
        entry.heartbeat = { ...agent, progress: { appliedVersion: version, observedVersion: version } };
      },
      end: () => void this.#tracked.delete(key),
    };
  }

  /** Writes the waiting heartbeats and ends. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#tracking;
    await this.#gathering;
    await this.#writeSoon().catch(() => undefined);
    await this.#pausing;
  }

  async #track(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#closing.signal.aborted) {
      // It ends early only with the process.
      await clock.sleep(TRACKED_MS, this.#closing.signal).catch(() => undefined);
      for (const { heartbeat } of this.#tracked.values()) this.#recordTracked(heartbeat);
    }
  }

  #recordTracked(heartbeat: AgentHeartbeat): void {
    this.record(heartbeat).catch((error: unknown) => {
      this.#options.log.warn("a heartbeat was not written", { error: describeError(error) });
    });
  }

  #gather(): void {
    const { clock, log, gatherMs = GATHER_MS } = this.#options;
    this.#gathering ??= clock.sleep(gatherMs, this.#closing.signal).catch(() => undefined)
      .then(() => {
        this.#gathering = undefined;
        return this.#writeSoon();
      })
      // Agents repeat their heartbeats.
      .catch((error: unknown) => log.warn("heartbeats were not written", { error: describeError(error) }));
  }

  /** Joins the next write. One write runs at a time, with a pause between two. */
  #writeSoon(): Promise<void> {
    this.#next ??= this.#pausing.then(() => {
      this.#next = undefined;
      const writing = this.#write();
      this.#pausing = writing.catch(() => undefined).then(() => this.#pause());
      return writing;
    });
    return this.#next;
  }

  #pause(): Promise<void> {
    return this.#options.clock.sleep(WRITE_PAUSE_MS, this.#closing.signal).catch(() => undefined);
  }

  async #write(): Promise<void> {
    const waiting = [...this.#waiting.values()];
    this.#waiting = new Map();
    for (let start = 0; start < waiting.length; start += ROWS_PER_WRITE) {
      const part = waiting.slice(start, start + ROWS_PER_WRITE);
      await transact(this.#options.db, async (tx) => {
        await recordAgents(tx, part);
        await acknowledgeSwitches(tx, part.flatMap(edgeProgress));
      });
    }
    if (this.#known.size > KNOWN_MAX) this.#known.clear();
    for (const each of waiting) this.#known.set(each.agentId, fingerprint(each));
  }
}

/** The progress of an edge; empty for agents, and for heartbeats without any. */
function edgeProgress({ agentId, region, progress, nowMs }: HeardAgent): EdgeProgress[] {
  if (region !== EDGE_REGION || progress === undefined) return [];
  const { appliedVersion, appliedAtMs = nowMs } = progress;
  return [{ agentId, appliedVersion, appliedAtMs }];
}

function fingerprint({ region, progress, feedRevision }: AgentHeartbeat): string {
  return `${region} ${progress?.appliedVersion} ${progress?.observedVersion} ${feedRevision}`;
}
