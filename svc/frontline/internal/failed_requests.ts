import type { FailureKind } from "../../../pkg/proxy/mod.ts";

/** Numbers of one deployment in one slot. */
interface Failed {
  byEdge: number;
  byInstance: number;
  sent: boolean;
}

/** A slot that is over. */
export interface FailedSlot {
  readonly slot: number;
  readonly deploymentId: string;
  readonly byEdge: number;
  readonly byInstance: number;
}

/** The failed requests to report. */
export interface FailedReport {
  /** All slots up to this one have been reported. */
  readonly countedSlot: number;
  readonly countedMsAgo: number;
  readonly slots: readonly FailedSlot[];
}

/** The control plane takes times in this unit. */
const SLOT_MS = 250;
/** Failures from before this edge got a switch belong to it, too: an edge that is further behind is not waited for. */
const KEPT_MS = 35_000;
/** After it the receipt of a switch is final. */
const REPORTED_MS = 45_000;
/** Requests under way at a switch end within it; a report then ends most receipts. */
const SETTLED_MS = 2_750;
/** About 2 MB. Beyond it the oldest slots go uncounted. */
const SLOTS_MAX = 20_000;
const MOVED_MAX = 2_000;
/** The control plane takes no more at once. */
const REPORT_MAX = 1_000;

/** Failures of the client, or of more than one app. */
const NOT_OF_APP: ReadonlySet<FailureKind> = new Set([
  "not_implemented",
  "version_not_supported",
  "loop_detected",
  "too_many_connections",
]);

/** True if a request failed that an app should have answered. */
export function isFailedRequest(
  { kind, status, cut }: { readonly kind: FailureKind; readonly status: number; readonly cut: boolean },
): boolean {
  return cut || (status >= 500 && !NOT_OF_APP.has(kind));
}

/**
 * Counts failed requests of all deployments for a short while, and reports those of deployments between which routes have
 * moved: the receipt of a switch says how many requests failed around it. Without failures nothing is kept.
 */
export class FailedRequests {
  /** Slots in their order, which is that of their insertion. */
  readonly #slots = new Map<number, Map<string, Failed>>();
  #size = 0;
  /** When a route moved to or from each of these deployments, in the order of these times. */
  readonly #moved = new Map<string, number>();
  #settlesAtMs = Infinity;

  /** A request failed. */
  note(deploymentId: string, by: "edge" | "instance", nowMs: number): void {
    const slot = slotOf(nowMs);
    const known = this.#slots.get(slot) ?? new Map<string, Failed>();
    this.#slots.set(slot, known);
    const failed = known.get(deploymentId) ?? { byEdge: 0, byInstance: 0, sent: false };
    if (!known.has(deploymentId)) this.#size++;
    known.set(deploymentId, failed);
    if (by === "edge") failed.byEdge++;
    else failed.byInstance++;
    this.#forget(nowMs);
  }

  /** A route has moved; without `from` nothing answered before. */
  moved(from: string | undefined, to: string, nowMs: number): void {
    for (const id of from === undefined ? [to] : [from, to]) {
      this.#moved.delete(id);
      this.#moved.set(id, nowMs);
    }
    for (const id of this.#moved.keys()) {
      if (this.#moved.size <= MOVED_MAX) break;
      this.#moved.delete(id);
    }
    this.#settlesAtMs = nowMs + SETTLED_MS;
  }

  /** A report is due, though no version has changed. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#settlesAtMs;
  }

  /** The report to send now; `undefined` while no route has moved for a while. */
  take(nowMs: number): FailedReport | undefined {
    for (const [id, atMs] of this.#moved) if (nowMs - atMs > REPORTED_MS) this.#moved.delete(id);
    if (this.isDue(nowMs)) this.#settlesAtMs = Infinity;
    if (this.#moved.size === 0) return undefined;
    this.#forget(nowMs);
    const slots: FailedSlot[] = [];
    let counted = slotOf(nowMs) - 1;
    for (const [slot, known] of this.#slots) {
      if (slot > counted) continue;
      for (const [deploymentId, failed] of known) {
        if (failed.sent || !this.#moved.has(deploymentId)) continue;
        // The rest comes with the next report.
        if (slots.length === REPORT_MAX) counted = Math.min(counted, slot - 1);
        else {
          failed.sent = true;
          slots.push({ slot, deploymentId, byEdge: failed.byEdge, byInstance: failed.byInstance });
        }
      }
    }
    return { countedSlot: counted, countedMsAgo: nowMs - (counted + 1) * SLOT_MS, slots };
  }

  /** The control plane may not have got this report. */
  failed({ slots }: FailedReport): void {
    for (const { slot, deploymentId } of slots) {
      const failed = this.#slots.get(slot)?.get(deploymentId);
      if (failed !== undefined) failed.sent = false;
    }
  }

  #forget(nowMs: number): void {
    const first = slotOf(nowMs - KEPT_MS);
    for (const [slot, known] of this.#slots) {
      if (slot >= first && this.#size <= SLOTS_MAX) return;
      this.#size -= known.size;
      this.#slots.delete(slot);
    }
  }
}

function slotOf(atMs: number): number {
  return Math.floor(atMs / SLOT_MS);
}
