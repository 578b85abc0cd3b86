/** The schemas of a build context in the JSON of commands. */
import { z } from "zod";
import type { PathDecision } from "../cmd/context/decision.ts";
import type { ContextSummary } from "../cmd/context/summary.ts";
import { count, flag, of, text, texts } from "./schema_words.ts";

export const summary = of<ContextSummary>()(z.strictObject({
  context: text,
  dockerfile: text,
  ignoreFile: text,
  files: count,
  folders: count,
  bytes: count,
  largest: z.array(z.strictObject({ path: text, bytes: count, files: count })).readonly(),
  largestFiles: z.array(z.strictObject({ path: text, bytes: count })).readonly(),
  warnings: z.array(z.strictObject({ code: text, message: text, paths: texts })).readonly(),
}));

export const decision = of<PathDecision>()(z.strictObject({
  context: text,
  path: text,
  included: flag,
  reason: z.enum(["rule", "git", "default"]),
  rule: z.strictObject({ file: text, line: count, text }).nullable(),
  matched: text,
  files: count,
  bytes: count,
}));
