import { LATENCY_BUCKETS, latencyBucket } from "../../../pkg/latency/mod.ts";
import type { AppTraffic } from "../../../pkg/proxy/mod.ts";

/** The numbers of one deployment in one interval. */
export interface TrafficCounts {
  readonly deploymentId: string;
  /** By class of the status, from 1xx to 5xx. */
  readonly responses: readonly number[];
  readonly failedByEdge: number;
  readonly cutOff: number;
  readonly cancelled: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly busyMs: number;
  readonly concurrencyMax: number;
  readonly concurrencyNow: number;
  readonly lastRequestAtMs: number;
  readonly latencyBuckets: readonly number[];
  readonly latencyCounts: readonly number[];
}

const CLASSES = 5;

/** Counts the requests of one deployment, without an allocation for any of them. */
export class DeploymentTraffic implements AppTraffic {
  readonly #deploymentId: string;
  readonly #responses = new Uint32Array(CLASSES);
  readonly #latency = new Uint32Array(LATENCY_BUCKETS);
  /** Something was counted. */
  #seen = false;
  #failedByEdge = 0;
  #cutOff = 0;
  #cancelled = 0;
  #receivedBytes = 0;
  #sentBytes = 0;
  #busyMs = 0;
  /** That of the intervals before. */
  #formerBusyMs = 0;
  /** Up to then the running requests are in `#busyMs`. */
  #busyUntilMs: number;
  #running = 0;
  #runningMax = 0;
  #lastRequestAtMs = 0;

  constructor(deploymentId: string, nowMs: number) {
    this.#deploymentId = deploymentId;
    this.#busyUntilMs = nowMs;
  }

  begun(nowMs: number): void {
    this.#addBusy(nowMs);
    this.#running++;
    if (this.#running > this.#runningMax) this.#runningMax = this.#running;
    this.#lastRequestAtMs = nowMs;
  }

  responded(status: number, waitedMs: number): void {
    this.#countStatus(status);
    const bucket = latencyBucket(waitedMs);
    this.#latency[bucket] = (this.#latency[bucket] ?? 0) + 1;
  }

  failed(status: number): void {
    this.#countStatus(status);
    if (status >= 500) this.#failedByEdge++;
  }

  cut(): void {
    this.#seen = true;
    this.#cutOff++;
  }

  cancelled(): void {
    this.#seen = true;
    this.#cancelled++;
  }

  moved(receivedBytes: number, sentBytes: number): void {
    this.#seen = true;
    this.#receivedBytes += receivedBytes;
    this.#sentBytes += sentBytes;
  }

  ended(nowMs: number): void {
    this.#addBusy(nowMs);
    this.#running--;
  }

  /** The time of all requests together since the beginning. */
  totalBusyMs(nowMs: number): number {
    this.#addBusy(nowMs);
    return this.#formerBusyMs + this.#busyMs;
  }

  /** The numbers since the last call; `undefined` when there was no request. `aheadMs`: what other clocks are ahead. */
  take(nowMs: number, aheadMs = 0): TrafficCounts | undefined {
    this.#addBusy(nowMs);
    if (!this.#seen && this.#running === 0) return void this.#clear();
    const latencyBuckets: number[] = [];
    const latencyCounts: number[] = [];
    for (const [bucket, count] of this.#latency.entries()) {
      if (count === 0) continue;
      latencyBuckets.push(bucket);
      latencyCounts.push(count);
    }
    const counts: TrafficCounts = {
      deploymentId: this.#deploymentId,
      responses: [...this.#responses],
      failedByEdge: this.#failedByEdge,
      cutOff: this.#cutOff,
      cancelled: this.#cancelled,
      receivedBytes: this.#receivedBytes,
      sentBytes: this.#sentBytes,
      busyMs: this.#busyMs,
      concurrencyMax: this.#runningMax,
      concurrencyNow: this.#running,
      lastRequestAtMs: this.#lastRequestAtMs + aheadMs,
      latencyBuckets,
      latencyCounts,
    };
    this.#clear();
    return counts;
  }

  #clear(): void {
    this.#responses.fill(0);
    this.#latency.fill(0);
    this.#seen = false;
    this.#failedByEdge = 0;
    this.#cutOff = 0;
    this.#cancelled = 0;
    this.#receivedBytes = 0;
    this.#sentBytes = 0;
    this.#formerBusyMs += this.#busyMs;
    this.#busyMs = 0;
    this.#runningMax = this.#running;
  }

  #countStatus(status: number): void {
    this.#seen = true;
    const index = Math.min(CLASSES, Math.max(1, Math.floor(status / 100))) - 1;
    this.#responses[index] = (this.#responses[index] ?? 0) + 1;
  }

  #addBusy(nowMs: number): void {
    if (nowMs > this.#busyUntilMs) this.#busyMs += this.#running * (nowMs - this.#busyUntilMs);
    this.#busyUntilMs = nowMs;
  }
}
