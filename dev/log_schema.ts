/** The JSON of a line of output. */
import { z } from "zod";
import type { Line } from "../cmd/logs/printer.ts";
import { of, text, time } from "./schema_words.ts";

export const line = of<Line>()(z.union([
  z.strictObject({ source: z.literal("build"), origin: text, time, text }),
  z.strictObject({
    source: z.literal("instance"),
    instance: text,
    region: text.optional(),
    time,
    stream: text.optional(),
    text,
    deployment: text.optional(),
    level: text.optional(),
    message: text.optional(),
    fields: z.record(z.string(), z.unknown()).optional(),
  }),
]));
