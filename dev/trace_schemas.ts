/** The schemas of commands that show measurements. */
import { z } from "zod";
import type { ShareJson, SpanJson, TraceJson } from "../cmd/trace/trace_json.ts";
import { metrics } from "./metrics_schema.ts";
import { receipt } from "./receipt_schema.ts";
import { count, flag, of, text, time } from "./schema_words.ts";

const share = of<ShareJson>()(z.strictObject({ name: text, tookMs: count }));
const span = of<SpanJson>()(z.strictObject({
  id: text,
  parent: text.optional(),
  name: text,
  detail: text.optional(),
  region: text.optional(),
  startedAt: time,
  endedAt: time,
  tookMs: count,
  status: text,
  critical: flag,
  gap: flag,
}));

const trace = of<TraceJson>()(z.strictObject({
  id: text,
  traceId: text,
  startedAt: time,
  endedAt: time.optional(),
  tookMs: count,
  outcome: text.optional(),
  spans: z.array(span).readonly(),
  shares: z.array(share).readonly(),
  before: z.strictObject({ id: text, tookMs: count, phases: z.array(share).readonly() }).optional(),
  droppedSpans: count.optional(),
  receipt: receipt.optional(),
}));

/** Of the commands that show measurements. */
export function measured(failure: z.ZodType): Readonly<Record<string, z.ZodType>> {
  return { "trace": z.union([trace, failure]), "metrics": z.union([metrics, failure]) };
}
