/** The receipt of a switch: a decision on what the edges have reported by now. Pure. */
import type { FailedRequests, StoredSwitch } from "../store/mod.ts";

/** `waiting` for acknowledgements; `counting` failed requests; the others are final. */
export type ReceiptState = "waiting" | "counting" | "complete" | "incomplete" | "superseded";

export interface ReceiptEdge {
  readonly id: string;
  /** Empty: it has not said. */
  readonly region: string;
  /** From the commit; `undefined`: it has not acknowledged the switch in time. */
  readonly acknowledgedMs: number | undefined;
  /** Its failed requests are counted up to the end of the receipt. */
  readonly counted: boolean;
}

export interface Receipt {
  readonly state: ReceiptState;
  /** From the commit to the last acknowledgement so far. */
  readonly tookMs: number;
  readonly edges: readonly ReceiptEdge[];
  readonly failedByEdge: number;
  readonly failedByFormer: number;
  readonly failedByTarget: number;
}

/** An edge that takes longer is behind: the receipt goes without it. */
export const ACKNOWLEDGE_MS_MAX = 30_000;
/** Requests under way at a switch end after it: failures count for so long after the last acknowledgement. */
const TAIL_MS = 2_000;
/** Two heartbeats of an edge: its last report has come by then. */
const REPORT_MS_MAX = 10_000;
/** After it every receipt is final. */
export const RECEIPT_MS_MAX = ACKNOWLEDGE_MS_MAX + TAIL_MS + REPORT_MS_MAX;

const AGENT_PREFIX = "*:";

/** The time of a receipt: until when acknowledgements and failed requests count. */
interface Window {
  readonly acknowledgedUntilMs: number;
  readonly failedUntilMs: number;
  readonly isAcknowledged: boolean;
}

/** The receipt of a switch as far as it is known at `nowMs`. */
export function receiptOf(stored: StoredSwitch, nowMs: number): Receipt {
  const { row, edges } = stored;
  const window = windowOf(stored);
  const shown = edges.map((each): ReceiptEdge => {
    const isInTime = each.acknowledged_at !== null && each.acknowledged_at <= window.acknowledgedUntilMs;
    return {
      id: each.agent_id.startsWith(AGENT_PREFIX) ? each.agent_id.slice(AGENT_PREFIX.length) : each.agent_id,
      region: each.region,
      acknowledgedMs: isInTime ? (each.acknowledged_at ?? 0) - row.created_at : undefined,
      counted: (each.counted_until ?? 0) >= window.failedUntilMs,
    };
  });
  const failed = row.ended_at === null ? failedRequests(stored) : row;
  return {
    state: stateOf(stored, { window, shown, nowMs }),
    tookMs: Math.max(0, ...shown.map(({ acknowledgedMs = 0 }) => acknowledgedMs)),
    edges: shown,
    failedByEdge: failed.failed_by_edge,
    failedByFormer: failed.failed_by_former,
    failedByTarget: failed.failed_by_target,
  };
}

/** The failed requests between the commit and the end of the receipt. */
export function failedRequests(stored: StoredSwitch): FailedRequests {
  const { row, failures } = stored;
  const { failedUntilMs } = windowOf(stored);
  // A slot counts when its begin is in the time; it is 250 ms long.
  const counted = failures.filter(({ ended_at }) => ended_at - SLOT_MS < failedUntilMs);
  const ofInstances = (id: string | null): number =>
    counted.reduce((sum, each) => sum + (each.deployment_id === id ? each.by_instance : 0), 0);
  return {
    failed_by_edge: counted.reduce((sum, { by_edge }) => sum + by_edge, 0),
    failed_by_former: ofInstances(row.previous_deployment_id),
    failed_by_target: ofInstances(row.deployment_id),
  };
}

/** The unit in which edges count. */
export const SLOT_MS = 250;

function windowOf({ row, edges }: StoredSwitch): Window {
  const endMs = row.superseded_at ?? Infinity;
  const acknowledgedUntilMs = Math.min(row.created_at + ACKNOWLEDGE_MS_MAX, endMs);
  const times = edges.map(({ acknowledged_at }) => acknowledged_at ?? Infinity);
  const lastMs = Math.max(row.created_at, ...times);
  const isAcknowledged = lastMs <= acknowledgedUntilMs;
  return {
    acknowledgedUntilMs,
    failedUntilMs: Math.min((isAcknowledged ? lastMs : acknowledgedUntilMs) + TAIL_MS, endMs),
    isAcknowledged,
  };
}

interface Look {
  readonly window: Window;
  readonly shown: readonly ReceiptEdge[];
  readonly nowMs: number;
}

function stateOf({ row }: StoredSwitch, { window, shown, nowMs }: Look): ReceiptState {
  const { isAcknowledged, acknowledgedUntilMs, failedUntilMs } = window;
  if (!isAcknowledged) {
    if (nowMs <= acknowledgedUntilMs) return "waiting";
    return row.superseded_at === acknowledgedUntilMs ? "superseded" : "incomplete";
  }
  const isCounted = shown.every(({ counted }) => counted);
  return isCounted || nowMs > failedUntilMs + REPORT_MS_MAX ? "complete" : "counting";
}
