/** The schema of a gradual switch in the JSON of several commands. */
import { z } from "zod";
import type { GradualJson } from "../cmd/shared/gradual_view.ts";
import { count, flag, of, text, time } from "./schema_words.ts";

const version = z.strictObject({ requests: count, failed: count, p95Ms: z.number().optional() });

export const gradual = of<GradualJson>()(z.strictObject({
  id: text,
  project: text,
  environment: text,
  from: text,
  to: text,
  state: text,
  percent: count,
  steps: z.array(count).readonly(),
  step: count,
  everyMs: count.optional(),
  sticky: flag,
  startedAt: time,
  stepStartedAt: time,
  endedAt: time.optional(),
  reason: text.optional(),
  evidence: z.strictObject({ from: time, until: time, next: version, live: version }).optional(),
}));
