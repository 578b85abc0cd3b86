/** The schema of `unkey metrics --json`. */
import { z } from "zod";
import type { MetricsJson, NumbersJson } from "../cmd/metrics/metrics_json.ts";
import type { ScaledRegionJson } from "../cmd/shared/scaling_view.ts";
import { count, flag, of, text, texts, time } from "./schema_words.ts";

const number = z.number();
const shape = {
  requests: count,
  requestsPerSecond: number,
  errorRate: number,
  responses: z.strictObject({ "1xx": count, "2xx": count, "3xx": count, "4xx": count, "5xx": count }),
  failedByEdge: count,
  cutOff: count,
  cancelled: count,
  receivedBytes: count,
  sentBytes: count,
  concurrencyMean: number,
  concurrencyMax: count,
  p50Ms: number.optional(),
  p95Ms: number.optional(),
  p99Ms: number.optional(),
};

export const SCALED_REGIONS = z.array(
  of<ScaledRegionJson>()(z.strictObject({
    region: text,
    min: count,
    max: count,
    desired: count,
    running: count,
    lastChange: z.strictObject({ at: time, from: count, reason: text }).optional(),
  })),
).readonly();

export const metrics = of<MetricsJson>()(z.strictObject({
  id: text.optional(),
  deployments: texts,
  deploymentsLeftOut: flag,
  from: time,
  until: time,
  stepSeconds: count,
  lastRequestAt: time.optional(),
  total: of<NumbersJson>()(z.strictObject(shape)),
  points: z.array(z.strictObject({ ...shape, at: time })).readonly(),
  regions: z.array(z.strictObject({ ...shape, region: text })).readonly(),
  scaledRegions: SCALED_REGIONS.optional(),
}));
