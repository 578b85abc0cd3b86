import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { Meter } from "../../../../pkg/metrics/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { AGENT_HEARTBEAT_TIMEOUT_MS } from "../../internal/agents/mod.ts";
import {
  type CtrlDatabase,
  EDGE_REGION,
  forgetAgents,
  listDownRegions,
  listRegionHeartbeats,
  listStaleAgents,
  markRegionDown,
  markRegionUp,
  type RegionHeartbeat,
} from "../../internal/store/mod.ts";
import { repeat } from "./repeat.ts";

export interface RegionHealthDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly notifier: ChangeNotifier;
}

const SWEEP_MS = 10_000;
/** A longer gap between sweeps means that the process or the database was down, and heartbeats could not arrive. */
const GAP_MS_MAX = 3 * SWEEP_MS;
/** Retention of a dead agent: short when its region has a newer one, long when it was the last. */
const REPLACED_KEPT_MS = 10 * 60_000;
const LAST_KEPT_MS = 24 * 3_600_000;
const FORGOTTEN_PER_SWEEP = 500;

/**
 * Marks regions whose agents all timed out as down, and takes the mark away with the next heartbeat.
 *
 * Every process may do it, since each step is guarded by what the database holds. A process only judges once it has
 * received heartbeats without interruption for the length of the timeout: after an outage of the control plane all agents
 * look dead until they have reconnected, and the first of them must not get all the traffic.
 */
export async function sweepRegions(deps: RegionHealthDeps, signal: AbortSignal): Promise<void> {
  const watch = new RegionWatch(deps);
  await repeat(deps, signal, SWEEP_MS, () => watch.sweep());
}

/** One process's judgement of the regions. */
export class RegionWatch {
  readonly #deps: RegionHealthDeps;
  #receivingSinceMs: number | undefined;
  #sweptAtMs = 0;

  constructor(deps: RegionHealthDeps) {
    this.#deps = deps;
  }

  async sweep(): Promise<void> {
    const { db, clock } = this.#deps;
    const nowMs = clock.now();
    const heartbeats = await listRegionHeartbeats(db.kysely);
    const down = new Set((await listDownRegions(db.kysely)).map((each) => each.region));
    if (this.#receivingSinceMs === undefined || nowMs - this.#sweptAtMs > GAP_MS_MAX) {
      this.#receivingSinceMs = nowMs;
    }
    this.#sweptAtMs = nowMs;
    const mayJudge = nowMs - this.#receivingSinceMs > AGENT_HEARTBEAT_TIMEOUT_MS;
    for (const { region, lastSeenAtMs } of heartbeats) {
      const isAlive = nowMs - lastSeenAtMs <= AGENT_HEARTBEAT_TIMEOUT_MS;
      if (isAlive && down.has(region)) await this.#markUp(region, nowMs);
      if (!isAlive && !down.has(region) && mayJudge) await this.#markDown(region, nowMs);
    }
    if (mayJudge) await this.#forgetAgents(heartbeats, nowMs);
  }

  async #markDown(region: string, nowMs: number): Promise<void> {
    const { db, log, notifier } = this.#deps;
    const heartbeatSinceMs = nowMs - AGENT_HEARTBEAT_TIMEOUT_MS;
    if (!await transact(db, (tx) => markRegionDown(tx, { region, heartbeatSinceMs, nowMs }))) return;
    notifier.changed([EDGE_REGION]);
    log.warn("region is down: no agent of it sends heartbeats, edges prefer instances elsewhere", { region });
  }

  async #markUp(region: string, nowMs: number): Promise<void> {
    const { db, log, notifier } = this.#deps;
    if (!await transact(db, (tx) => markRegionUp(tx, { region, nowMs }))) return;
    notifier.changed([EDGE_REGION]);
    log.info("region is up again: an agent of it sends heartbeats", { region });
  }

  /** Each start of an agent registers a new one, so old ones must be deleted some time. */
  async #forgetAgents(heartbeats: readonly RegionHeartbeat[], nowMs: number): Promise<void> {
    const { db } = this.#deps;
    const lastSeen = new Map(heartbeats.map((each) => [each.region, each.lastSeenAtMs]));
    const beforeMs = nowMs - REPLACED_KEPT_MS;
    const stale = await listStaleAgents(db.kysely, { beforeMs, limit: FORGOTTEN_PER_SWEEP });
    const gone = stale.filter(({ region, last_seen_at: at }) =>
      region === EDGE_REGION || (lastSeen.get(region) ?? 0) > at || nowMs - at > LAST_KEPT_MS
    );
    await forgetAgents(db.kysely, { agentIds: gone.map((each) => each.agent_id), beforeMs });
  }
}
