/** The schema of a run in the JSON of commands. */
import { z } from "zod";
import type { RunJson } from "../cmd/shared/run_view.ts";
import { count, of, text, texts, time } from "./schema_words.ts";

export const run = of<RunJson>()(z.strictObject({
  id: text,
  state: text,
  reason: text.optional(),
  message: text.optional(),
  exitCode: count.optional(),
  project: text,
  environment: text,
  deploymentId: text,
  region: text,
  instance: text.optional(),
  command: texts,
  timeoutSeconds: count,
  lastLogLines: texts,
  createdBy: text,
  cron: text.optional(),
  plannedAt: time.optional(),
  plannedTimes: count.optional(),
  createdAt: time,
  startedAt: time.optional(),
  endedAt: time.optional(),
}));

/** A page of `unkey list runs`. */
export const runList: z.ZodType = z.strictObject({ runs: z.array(run), nextPageToken: text.optional() });
