/** The schema of a switch with its receipt, in the JSON of several commands. */
import { z } from "zod";
import type { ReceiptJson } from "../cmd/shared/switch_receipt.ts";
import { count, flag, of, text, time } from "./schema_words.ts";

export const receipt = of<ReceiptJson>()(z.strictObject({
  id: text,
  project: text.optional(),
  environment: text,
  cause: text,
  percent: count.optional(),
  gradualSwitch: text.optional(),
  from: text.optional(),
  to: text,
  committedAt: time,
  state: text,
  tookMs: count,
  edges: z.array(z.strictObject({
    id: text,
    region: text.optional(),
    acknowledgedMs: count.optional(),
    counted: flag,
  })).readonly(),
  failed: z.strictObject({ byEdge: count, byFormer: count, byTarget: count }),
}));
