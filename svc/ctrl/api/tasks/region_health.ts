import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { AGENT_ALIVE_MS } from "../../internal/deployments/liveness.ts";
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

/** What watching over regions needs. */
export interface SilenceDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly notifier: ChangeNotifier;
}

const SWEEP_MS = 10_000;
/** Sweeps that are further apart mean that the process or the database was away, and agents could not be heard. */
const GAP_MS_MAX = 3 * SWEEP_MS;
/** A dead agent whose region has another one is worth showing for a while, one that was the last for longer. */
const REPLACED_KEPT_MS = 10 * 60_000;
const LAST_KEPT_MS = 24 * 3_600_000;
const FORGOTTEN_PER_SWEEP = 500;

/**
 * Takes regions whose agents are silent out of routing, and in again when one is heard.
 *
 * Every process may do it, since each step is guarded by what the database holds. A process only judges once it has
 * listened without interruption for as long as an agent may be silent: after an outage of the control plane all agents
 * look silent until they have come back, and the first of them must not get all the traffic.
 */
export async function sweepRegions(deps: SilenceDeps, signal: AbortSignal): Promise<void> {
  const watch = new RegionWatch(deps);
  await repeat(deps, signal, SWEEP_MS, () => watch.sweep());
}

/** One process's view of the regions. */
export class RegionWatch {
  readonly #deps: SilenceDeps;
  #listeningSinceMs: number | undefined;
  #sweptAtMs = 0;

  constructor(deps: SilenceDeps) {
    this.#deps = deps;
  }

  /** Looks once. */
  async sweep(): Promise<void> {
    const { db, clock } = this.#deps;
    const nowMs = clock.now();
    const heard = await listRegionHeartbeats(db.kysely);
    const silent = new Set((await listDownRegions(db.kysely)).map((each) => each.region));
    if (this.#listeningSinceMs === undefined || nowMs - this.#sweptAtMs > GAP_MS_MAX) {
      this.#listeningSinceMs = nowMs;
    }
    this.#sweptAtMs = nowMs;
    const mayJudge = nowMs - this.#listeningSinceMs > AGENT_ALIVE_MS;
    for (const { region, lastSeenAtMs } of heard) {
      const isHeard = nowMs - lastSeenAtMs <= AGENT_ALIVE_MS;
      if (isHeard && silent.has(region)) await this.#hear(region, nowMs);
      if (!isHeard && !silent.has(region) && mayJudge) await this.#silence(region, nowMs);
    }
    if (mayJudge) await this.#forget(heard, nowMs);
  }

  async #silence(region: string, nowMs: number): Promise<void> {
    const { db, log, notifier } = this.#deps;
    const heardSinceMs = nowMs - AGENT_ALIVE_MS;
    if (!await transact(db, (tx) => markRegionDown(tx, { region, heardSinceMs, nowMs }))) return;
    notifier.changed([EDGE_REGION]);
    log.warn("region is silent: its instances are left out of routing", { region });
  }

  async #hear(region: string, nowMs: number): Promise<void> {
    const { db, log, notifier } = this.#deps;
    if (!await transact(db, (tx) => markRegionUp(tx, { region, nowMs }))) return;
    notifier.changed([EDGE_REGION]);
    log.info("region is heard again: its instances are routed to", { region });
  }

  /** Each start of an agent is a new one, so that those before it have to go some time. */
  async #forget(heard: readonly RegionHeartbeat[], nowMs: number): Promise<void> {
    const { db } = this.#deps;
    const lastSeen = new Map(heard.map((each) => [each.region, each.lastSeenAtMs]));
    const beforeMs = nowMs - REPLACED_KEPT_MS;
    const stale = await listStaleAgents(db.kysely, { beforeMs, limit: FORGOTTEN_PER_SWEEP });
    const gone = stale.filter(({ region, last_seen_at: at }) =>
      region === EDGE_REGION || (lastSeen.get(region) ?? 0) > at || nowMs - at > LAST_KEPT_MS
    );
    await forgetAgents(db.kysely, { agentIds: gone.map((each) => each.agent_id), beforeMs });
  }
}
