/** The schemas of passwords for visitors, and of links that stand for them, in printed JSON. */
import { z } from "zod";
import type { ProtectionJson } from "../cmd/shared/protection_view.ts";
import { of, text, texts, time } from "./schema_words.ts";

/** By a password of the environment, or of all previews. */
export const protection = of<ProtectionJson>()(z.enum(["own", "previews"]));

/** Of the commands about them. `printed` also takes the failure of a command. */
export function protectionOutputs(
  printed: (shape: z.core.$ZodLooseShape) => z.ZodType,
  failure: z.ZodType,
): Readonly<Record<string, z.ZodType>> {
  return {
    "protect": printed({
      project: text,
      environments: z.array(z.strictObject({ slug: text, protection: protection.optional() })).readonly(),
      password: text.optional(),
    }),
    "share": z.union([
      z.strictObject({ project: text, url: text, urls: texts, token: text, endsAt: time }),
      z.strictObject({ project: text, revoked: texts }),
      failure,
    ]),
  };
}
