import { poll } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { counter, type Meter, type Metrics, NO_METER, NO_METRICS } from "../../../../pkg/metrics/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { LIMITS, roomOf } from "../../internal/limits/mod.ts";
import {
  decide,
  type Decision,
  decodeScaling,
  ScalingHistory,
  scalingOf,
} from "../../internal/scaling/mod.ts";
import {
  changeScale,
  type CtrlDatabase,
  pageScaledPlacements,
  removeOldLoads,
  type ScaledPlacement,
  type Tx,
} from "../../internal/store/mod.ts";
import { readLoads } from "./reported_loads.ts";

export interface AutoscalerDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly metrics?: Metrics;
  readonly changes: ChangeNotifier;
}

/** Changes of numbers of instances that follow the load. */
export const AUTOSCALER_METRICS = {
  changes: counter("unkey_scale_changes_total", "Changes of numbers of instances by the load: up, down.", [
    "direction",
  ]),
};

/** The interval of edges' reports. */
const EVERY_MS = 2_000;
const PAGE = 500;
/** Of one round; the rest follows in the next one. */
const CHANGES_MAX = 100;
/** An edge that comes back after so long reports anew. */
const REPORTS_KEPT_MS = 600_000;

/**
 * Lets numbers of instances follow the load. Every worker may do it: a change that two of them decide happens once, and one that
 * has just begun knows no needs of before, so that it takes no instance away.
 */
export class Autoscaler {
  readonly #deps: AutoscalerDeps;
  readonly #changes;
  #histories = new Map<string, ScalingHistory>();

  constructor(deps: AutoscalerDeps) {
    this.#deps = deps;
    this.#changes = (deps.metrics ?? NO_METRICS).counter(AUTOSCALER_METRICS.changes);
  }

  /** Looks every 2 s until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, meter = NO_METER } = this.#deps;
    await poll(() => meter(() => this.round(signal)), {
      clock,
      signal,
      everyMs: EVERY_MS,
      onError: (error, failures) =>
        log.warn("numbers of instances not looked at", { error: describeError(error), failures }),
    });
  }

  /** One look at all scaled placements: as many statements for one as for some hundreds, and a transaction for each change. */
  async round(signal: AbortSignal): Promise<void> {
    const { db, clock } = this.#deps;
    const placements = await listPlacements(db);
    const seen = new Map<string, ScalingHistory>();
    let changes = 0;
    const nowMs = clock.now();
    const loads = placements.length === 0 ? undefined : await readLoads(db.kysely, nowMs);
    for (const placement of placements) {
      signal.throwIfAborted();
      const key = `${placement.deploymentId} ${placement.region}`;
      const history = this.#histories.get(key) ?? new ScalingHistory();
      seen.set(key, history);
      const scaling = scalingOf(decodeScaling(placement.settings));
      // Without instances nothing can be measured.
      if (scaling === undefined || loads === undefined || placement.replicas === 0) continue;
      const { replicas: current, cpuMillicores } = placement;
      const load = loads.of(placement);
      const decision = decide({ scaling, current, cpuMillicores }, load, { history, nowMs });
      if (decision.target === current || changes >= CHANGES_MAX) continue;
      changes++;
      await this.#change(placement, decision);
    }
    this.#histories = seen;
    if (placements.length > 0) await removeOldLoads(db.kysely, nowMs - REPORTS_KEPT_MS);
  }

  async #change(placement: ScaledPlacement, { target, reason }: Decision): Promise<void> {
    const { db, log, changes, clock } = this.#deps;
    const { deploymentId, region, replicas: from } = placement;
    const direction = target > from ? "up" : "down";
    const to = await transact(db, async (tx) => {
      const nowMs = clock.now();
      const allowed = direction === "down" ? target : Math.min(target, await mostOf(tx, placement, nowMs));
      if (allowed === from) return from;
      const change = {
        ...placement,
        from,
        to: allowed,
        direction,
        reason: allowed === target ? reason : `${reason} ${LIMIT_TEXT}`,
        nowMs,
      };
      return await changeScale(tx, change) ? allowed : from;
    });
    if (to === from) return;
    changes.changed([region]);
    this.#changes.add({ direction });
    log.info("number of instances changed", { deployment_id: deploymentId, region, from, to, reason });
  }
}

const LIMIT_TEXT = `More would exceed the workspace's limit of ${LIMITS.scaled_instances.about}.`;

/** The most instances that the limit of the workspace leaves to the placement. */
async function mostOf(
  tx: Tx,
  { workspaceId, replicas }: ScaledPlacement,
  nowMs: number,
): Promise<number> {
  return replicas + await roomOf(tx, "scaled_instances", { workspaceId, nowMs });
}

async function listPlacements(db: CtrlDatabase): Promise<readonly ScaledPlacement[]> {
  const all: ScaledPlacement[] = [];
  let after = { deploymentId: "", region: "" };
  for (;;) {
    const page = await pageScaledPlacements(db.kysely, { after, limit: PAGE });
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return all;
    after = last;
  }
}
