import { z } from "zod";
import { portSchema } from "../../pkg/config/mod.ts";

/** A port, or none. */
export function optionalPortSchema(): z.ZodType<number | undefined> {
  return z.string().optional().transform((raw, context): number | undefined => {
    if (raw === undefined) return undefined;
    const parsed = portSchema(0).safeParse(raw);
    if (parsed.success) return parsed.data;
    context.addIssue({ code: "custom", message: "must be a port between 0 and 65535" });
    return z.NEVER;
  });
}
