/** The schemas of plans of environments in printed JSON. */
import { z } from "zod";
import type { PlanJson } from "../cmd/shared/planning/plan_view.ts";
import { count, of, text } from "./schema_words.ts";

const change = z.strictObject({
  setting: text,
  live: text.optional(),
  stored: text.optional(),
  wanted: text.optional(),
  action: z.enum(["none", "set", "remove"]),
  effect: z.enum(["none", "at_once", "redeploy", "deploy"]),
});
const shape = {
  liveDeploymentId: text.optional(),
  fingerprint: text,
  changes: z.array(change).readonly(),
};
const plan = of<PlanJson>()(z.strictObject(shape));

/** Of the commands about them. `printed` also takes the failure of a command. */
export function planOutputs(
  printed: (shape: z.core.$ZodLooseShape) => z.ZodType,
): Readonly<Record<string, z.ZodType>> {
  const all = { project: text, environment: text, ...plan.shape };
  return {
    "plan": printed({ ...all, exitCode: count.optional() }),
    "apply": printed({ ...all, applied: count }),
  };
}
