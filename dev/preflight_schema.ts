import { z } from "zod";
import type { ProbeJson } from "../cmd/shared/preflight.ts";
import { count, of, text } from "./schema_words.ts";

/** The parts that a command of `preflight` asked. */
export const probes = z.array(
  of<ProbeJson>()(z.strictObject({
    subject: text,
    outcome: z.enum(["ok", "warning", "failed"]),
    text,
    advice: text.nullable(),
    durationMs: count,
  })),
);
