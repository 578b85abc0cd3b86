import { poll } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { databaseNow, transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { counter, type Meter, type Metrics, NO_METER, NO_METRICS } from "../../../../pkg/metrics/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import {
  type AsleepDeployment,
  type CtrlDatabase,
  EDGE_REGION,
  endSleep,
  findEarlierApiProcess,
  findRunningGradual,
  findStart,
  forgetSleep,
  type IdleDeployment,
  listAgents,
  lockDeployment,
  lockEnvironment,
  lockLastRequest,
  lockSleep,
  lockTopology,
  pageAsleep,
  pageIdle,
  putToSleep,
  SLEEP_REVISION,
  type Tx,
  wake,
} from "../../internal/store/mod.ts";
import { REPORTS_MARGIN_MS } from "./preview_ends.ts";

export interface SleeperDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly metrics?: Metrics;
  readonly changes: ChangeNotifier;
}

/** Deployments that were put to sleep. */
export const SLEEPER_METRICS = {
  asleep: counter("unkey_sleeps_total", "Deployments that were put to sleep, as they got no requests."),
};

const EVERY_MS = 5_000;
const PAGE = 500;
/** Of one round; the rest follows in the next one. */
const CHANGES_MAX = 100;
/** A deployment that was woken and does not run after so long is awake: its failure is shown as that of any other. */
const WAKING_MS_MAX = 120_000;

/**
 * Puts deployments to sleep that got no requests for their time. Every worker may do it: what two of them decide happens once. An
 * edge wakes them through the api.
 */
export class Sleeper {
  readonly #deps: SleeperDeps;
  readonly #asleep;
  /** The look at idle ones goes on after this one, so that those that cannot sleep hide no others. */
  #after = "";

  constructor(deps: SleeperDeps) {
    this.#deps = deps;
    this.#asleep = (deps.metrics ?? NO_METRICS).counter(SLEEPER_METRICS.asleep);
  }

  /** Looks every 5 s until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, meter = NO_METER } = this.#deps;
    await poll(() => meter(() => this.round(signal)), {
      clock,
      signal,
      everyMs: EVERY_MS,
      onError: (error, failures) =>
        log.warn("idle deployments not looked at", { error: describeError(error), failures }),
    });
  }

  /** One look at what sleeps, and at what is idle. */
  async round(signal: AbortSignal): Promise<void> {
    const { db, clock } = this.#deps;
    const readiness = await this.#readiness();
    for (const each of await listAsleep(db)) {
      signal.throwIfAborted();
      await this.#settle(each, readiness === "earlier_release");
    }
    if (readiness !== "ready") return;
    const idle = await pageIdle(db.kysely, {
      after: this.#after,
      limit: CHANGES_MAX,
      marginMs: REPORTS_MARGIN_MS,
    });
    this.#after = idle.length < CHANGES_MAX ? "" : idle.at(-1)?.deploymentId ?? "";
    for (const each of idle) {
      signal.throwIfAborted();
      const regions = await transact(db, (tx) => sleepInTransaction(tx, each, clock.now()));
      this.#changed(each.deploymentId, "asleep", regions);
      if (regions.length > 0) this.#asleep.add({});
    }
  }

  /**
   * `earlier_release`: a process would answer requests for what sleeps with an error, or show agents that it should run.
   * `unreported`: an edge that may serve cannot report requests.
   */
  async #readiness(): Promise<"ready" | "unreported" | "earlier_release"> {
    const { db, clock } = this.#deps;
    const nowMs = clock.now();
    const edges = await listAgents(db.kysely, { sinceMs: 0, region: EDGE_REGION });
    const isEarlier =
      await findEarlierApiProcess(db.kysely, { feedRevision: SLEEP_REVISION, nowMs }) !== undefined ||
      edges.some((each) => each.feed_revision < SLEEP_REVISION);
    if (isEarlier) return "earlier_release";
    const isReported = edges.length > 0 &&
      edges.every((each) => each.last_seen_at >= nowMs - REPORTS_MARGIN_MS);
    return isReported ? "ready" : "unreported";
  }

  /** Ends the times of what runs again, of what is no longer ready, and of what a process cannot wake. */
  async #settle(
    { deploymentId, status, wokenAt, running }: AsleepDeployment,
    mustWake: boolean,
  ): Promise<void> {
    const { db, clock } = this.#deps;
    const nowMs = clock.now();
    // A worker of an earlier release has stopped it.
    if (status !== "ready") return await transact(db, (tx) => forgetSleep(tx, deploymentId));
    if (wokenAt === null) {
      if (!mustWake) return;
      const message = "Woken, as an edge or an api of an earlier release runs.";
      const regions = await transact(db, (tx) => wake(tx, { deploymentId, nowMs, message }));
      return this.#changed(deploymentId, "woken", regions ?? []);
    }
    if (running === 0 && nowMs - wokenAt < WAKING_MS_MAX) return;
    await transact(db, (tx) => endSleep(tx, deploymentId));
  }

  #changed(deploymentId: string, to: "asleep" | "woken", regions: readonly string[]): void {
    if (regions.length === 0) return;
    this.#deps.changes.changed([...regions]);
    this.#deps.log.info(`deployment ${to}`, { deployment_id: deploymentId });
  }
}

/** Puts the deployment to sleep, unless it was used meanwhile. Returns the regions whose feeds changed. */
async function sleepInTransaction(
  tx: Tx,
  { deploymentId, environmentId }: IdleDeployment,
  nowMs: number,
): Promise<readonly string[]> {
  const environment = await lockEnvironment(tx, environmentId);
  const deployment = await lockDeployment(tx, deploymentId);
  if (environment === undefined || deployment?.status !== "ready") return [];
  if (await findStart(tx, deploymentId) !== undefined) return [];
  // It needs requests of both versions.
  if (await findRunningGradual(tx, environmentId) !== undefined) return [];
  const lastUsedMs = Math.max(await lockLastRequest(tx, deploymentId) ?? 0, deployment.updated_at);
  await lockTopology(tx, deploymentId);
  const sleep = await lockSleep(tx, deploymentId);
  if (sleep === undefined || sleep.asleep_at !== null) return [];
  const { after_seconds: seconds } = sleep;
  if (await databaseNow(tx) <= lastUsedMs + seconds * 1_000 + REPORTS_MARGIN_MS) return [];
  const message = `No request for ${seconds} s: no instance runs until the next one.`;
  return await putToSleep(tx, { deploymentId, nowMs, message });
}

async function listAsleep(db: CtrlDatabase): Promise<readonly AsleepDeployment[]> {
  const all: AsleepDeployment[] = [];
  for (let after = "";;) {
    const page = await pageAsleep(db.kysely, { after, limit: PAGE });
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return all;
    after = last.deploymentId;
  }
}
