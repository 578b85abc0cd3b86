/** The schema of a cron in the JSON of commands. */
import { z } from "zod";
import type { CronJson } from "../cmd/shared/cron_view.ts";
import { run } from "./run_schema.ts";
import { count, of, text, texts, time } from "./schema_words.ts";

export const cron = of<CronJson>()(z.strictObject({
  id: text,
  name: text,
  project: text,
  environment: text,
  deploymentId: text,
  schedule: text,
  timezone: text,
  command: texts,
  overlap: text,
  timeoutSeconds: count,
  nextAt: time.optional(),
  pausedAt: time.optional(),
  lastRun: run.optional(),
  createdAt: time,
}));

/** A page of `unkey list crons`. */
export const cronList: z.ZodType = z.strictObject({ crons: z.array(cron), nextPageToken: text.optional() });
