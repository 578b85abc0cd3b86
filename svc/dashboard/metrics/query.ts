/** The time and region of a page of metrics, as its address has them. */
import { shellWord } from "../text/format.ts";
import type { Place } from "../environment/read.ts";

/** Times to look back, with their seconds. */
export const RANGES = {
  "15m": 900,
  "1h": 3_600,
  "6h": 21_600,
  "1d": 86_400,
  "7d": 7 * 86_400,
  "30d": 30 * 86_400,
  "90d": 90 * 86_400,
} as const;

export type Range = keyof typeof RANGES;

export interface MetricsQuery {
  readonly since: Range;
  /** Empty: all. */
  readonly region: string;
}

export const RANGE_NAMES: readonly Range[] = ["15m", "1h", "6h", "1d", "7d", "30d", "90d"];

const isRange = (text: string): text is Range => Object.hasOwn(RANGES, text);

/** Values of another form are left out. */
export function metricsQueryOf(search: string): MetricsQuery {
  const given = new URLSearchParams(search);
  const since = given.get("since") ?? "";
  const region = given.get("region") ?? "";
  return { since: isRange(since) ? since : "1h", region: /^.{1,63}$/su.test(region) ? region : "" };
}

export function metricsAddress(
  { projectId, environmentSlug }: Place,
  query: Partial<MetricsQuery> = {},
): string {
  const parts = new URLSearchParams();
  const { since = "1h", region = "" } = query;
  if (since !== "1h") parts.set("since", since);
  if (region !== "") parts.set("region", region);
  const text = parts.toString();
  return `/environments/${projectId}/${environmentSlug}/metrics${text === "" ? "" : `?${text}`}`;
}

/** The same as a command. */
export function metricsCommand(flags: string, { since, region }: MetricsQuery): string {
  return `unkey metrics --all ${flags} --since ${since}${
    region === "" ? "" : ` --region ${shellWord(region)}`
  }`;
}
