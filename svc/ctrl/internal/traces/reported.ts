/** Spans as clients and agents report them, made fit to be stored. */
import type { ReportedSpan } from "../../../../proto/gen/ctrl/v1/trace_pb.ts";
import type { NewSpan } from "../store/mod.ts";
import { cutToBytes } from "../validate/mod.ts";

/** The sender of a report, and its time. */
export interface Reporter {
  readonly source: "client" | "region";
  /** Empty for a client. */
  readonly region: string;
  /** The sender's clock at the sending; 0: not known. */
  readonly sentAtMs: number;
  readonly nowMs: number;
  readonly spansMax: number;
}

const KEY_BYTES_MAX = 128;
const NAME_BYTES_MAX = 120;
const DETAIL_BYTES_MAX = 200;
/** A message that took so long was on its way; beyond it the clocks differ. */
const ON_ITS_WAY_MS_MAX = 1_000;
/** No deploy takes longer. */
const AGE_MS_MAX = 7 * 86_400_000;

/** The time to add to a sender's times. */
export function clockOffsetMs({ sentAtMs, nowMs }: Pick<Reporter, "sentAtMs" | "nowMs">): number {
  const aheadMs = nowMs - sentAtMs;
  return sentAtMs === 0 || (aheadMs >= 0 && aheadMs <= ON_ITS_WAY_MS_MAX) ? 0 : aheadMs;
}

/** A sender's time by the clock of the control plane: not in the future, and not older than any deploy. */
export function ownTime(atMs: bigint, reporter: Pick<Reporter, "sentAtMs" | "nowMs">): number {
  const { nowMs } = reporter;
  return Math.min(nowMs, Math.max(nowMs - AGE_MS_MAX, Number(atMs) + clockOffsetMs(reporter)));
}

/** Reads the spans of a report. Spans beyond a bound are cut, and never refuse the rest of the report. */
export function readSpans(spans: readonly ReportedSpan[], reporter: Reporter): readonly NewSpan[] {
  const { source, region, spansMax } = reporter;
  return spans.slice(0, spansMax).map(({ key, name, detail, startedAt, endedAt, failed }) => ({
    source,
    key: `${region} ${plain(key, KEY_BYTES_MAX)}`,
    region,
    name: plain(name, NAME_BYTES_MAX),
    detail: plain(detail, DETAIL_BYTES_MAX),
    status: failed ? "failed" : "done",
    startedAtMs: ownTime(startedAt, reporter),
    endedAtMs: ownTime(endedAt, reporter),
  }));
}

/** Text for a terminal. */
export function plain(text: string, bytesMax: number): string {
  return cutToBytes(text.slice(0, bytesMax).replace(/\p{Cc}/gu, " "), bytesMax);
}
