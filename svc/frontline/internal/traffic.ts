import type { AppTraffic } from "../../../pkg/proxy/mod.ts";
import { DeploymentTraffic, type TrafficCounts } from "./deployment_traffic.ts";

/** Counts of an interval, or a part of them. */
export interface TrafficBatch {
  readonly processId: string;
  readonly startedAtMs: number;
  readonly deployments: readonly TrafficCounts[];
}

/** The control plane takes times in this unit. */
export const INTERVAL_MS = 10_000;
/** The control plane takes no more at once. */
const BATCH_MAX = 1_000;
/** About 20 MB. Requests of more are not counted. */
const DEPLOYMENTS_MAX = 20_000;
/** The counters of a deployment without requests are dropped after so many intervals. */
const QUIET_INTERVALS_MAX = 30;
/** While the control plane is away; it takes reports of the last 15 minutes. */
const WAITING_MS_MAX = 12 * 60_000;
const WAITING_ROWS_MAX = 100_000;
/** Less is the way of the answer. */
const CLOCK_MS_MIN = 3_000;

interface Counted {
  readonly traffic: DeploymentTraffic;
  quietIntervals: number;
}

/** The requests of all deployments in intervals of 10 s, and those intervals that the control plane does not have yet. */
export class Traffic {
  /** Of this run of the edge. */
  readonly processName: string;
  readonly #counted = new Map<string, Counted>();
  #waiting: TrafficBatch[] = [];
  /** The time that the control plane is ahead. */
  #aheadMs = 0;
  /** A process that has changed its clock counts as another one: the same interval may come again. */
  #clocks = 0;
  #lastStartMs = -Infinity;

  constructor(processName: string) {
    this.processName = processName;
  }

  /** The counters of a deployment; `undefined` when there are too many. */
  of(deploymentId: string, nowMs: number): AppTraffic | undefined {
    const known = this.#counted.get(deploymentId);
    if (known !== undefined) return known.traffic;
    if (this.#counted.size >= DEPLOYMENTS_MAX) return undefined;
    const traffic = new DeploymentTraffic(deploymentId, nowMs);
    this.#counted.set(deploymentId, { traffic, quietIntervals: 0 });
    return traffic;
  }

  /** The time of all requests of a deployment together; it begins anew after five minutes without any. */
  busyMs(deploymentId: string, nowMs: number): number {
    return this.#counted.get(deploymentId)?.traffic.totalBusyMs(nowMs) ?? 0;
  }

  /** The time until the running interval ends. */
  restMs(nowMs: number): number {
    const passed = (nowMs + this.#aheadMs) % INTERVAL_MS;
    return INTERVAL_MS - passed;
  }

  /** Ends the interval before `nowMs`, or at the end of the process the one that runs. Its counts wait for `next`. */
  close(nowMs: number, { isLast = false } = {}): void {
    const sharedMs = nowMs + this.#aheadMs;
    const startedAtMs = (Math.floor(sharedMs / INTERVAL_MS) - (isLast ? 0 : 1)) * INTERVAL_MS;
    // What was counted belongs to the interval that comes next.
    if (startedAtMs <= this.#lastStartMs) return;
    this.#lastStartMs = startedAtMs;
    const deployments: TrafficCounts[] = [];
    for (const [id, each] of this.#counted) {
      const counts = each.traffic.take(nowMs, this.#aheadMs);
      each.quietIntervals = counts === undefined ? each.quietIntervals + 1 : 0;
      if (each.quietIntervals > QUIET_INTERVALS_MAX) this.#counted.delete(id);
      if (counts !== undefined) deployments.push(counts);
    }
    const processId = `${this.processName}-${this.#clocks}`;
    for (let from = 0; from < deployments.length; from += BATCH_MAX) {
      this.#waiting.push({ processId, startedAtMs, deployments: deployments.slice(from, from + BATCH_MAX) });
    }
    this.#forget(startedAtMs);
  }

  /** The batch to send; it stays until `sent`. */
  next(): TrafficBatch | undefined {
    return this.#waiting[0];
  }

  /** The control plane has the batch, or will never take it. */
  sent(batch: TrafficBatch): void {
    this.#waiting = this.#waiting.filter((each) => each !== batch);
  }

  /** Goes by the control plane's clock from now on. */
  follow(controlPlaneMs: number, nowMs: number): void {
    if (Math.abs(controlPlaneMs - nowMs - this.#aheadMs) < CLOCK_MS_MIN) return;
    this.#aheadMs = controlPlaneMs - nowMs;
    this.#clocks++;
    this.#lastStartMs = -Infinity;
  }

  #forget(startedAtMs: number): void {
    let rows = this.#waiting.reduce((sum, { deployments }) => sum + deployments.length, 0);
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (rows <= WAITING_ROWS_MAX && startedAtMs - first.startedAtMs <= WAITING_MS_MAX) return;
      rows -= first.deployments.length;
      this.#waiting.shift();
    }
  }
}
