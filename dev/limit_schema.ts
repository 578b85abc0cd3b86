/** The schema of limits in printed JSON. */
import { z } from "zod";
import type { LimitJson } from "../cmd/shared/limit_table.ts";
import { count, flag, of, text } from "./schema_words.ts";

export const limitRows = z.array(
  of<LimitJson>()(z.strictObject({
    name: text,
    limit: count.optional(),
    used: count.optional(),
    set: flag,
    about: text,
  })),
).readonly();
