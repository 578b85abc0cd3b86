/** Decodes answers of workflows: another version of this program may have written them. */
import { z } from "zod";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { StartOutcome, SwitchOutcome } from "./messages.ts";

const switchOutcome = z.object({ previousDeploymentId: z.string(), hostnames: z.array(z.string()) });

const startOutcome = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("started"), hostnames: z.array(z.string()) }),
  z.object({ kind: z.literal("switched"), switched: switchOutcome }),
  z.object({ kind: z.literal("failed"), code: z.string(), message: z.string() }),
  z.object({
    kind: z.literal("refused"),
    refusal: z.object({ code: z.enum(["invalid_argument", "failed_precondition"]), message: z.string() }),
  }),
  z.object({ kind: z.literal("cancelled") }),
  z.object({ kind: z.literal("busy"), startId: z.string() }),
  z.object({ kind: z.literal("ended"), status: z.string() }),
]);

export function decodeSwitch(value: unknown): SwitchOutcome {
  return decode(switchOutcome, value);
}

export function decodeStart(value: unknown): StartOutcome {
  return decode(startOutcome, value);
}

function decode<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Fault("internal", `unexpected answer of a workflow: ${parsed.error.message}`);
}
