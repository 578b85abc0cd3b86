/** The output of the scene, a line each. */
import { z } from "zod";

/** Downloads from a public server, which every builder may do. */
export const PUBLIC_WAY = "public";

export const Result = z.object({
  kind: z.literal("build"),
  builder: z.enum(["open", "isolated, without rules", "isolated"]),
  /** The instruction that tries. */
  way: z.string(),
  target: z.string(),
  /** Connections that arrived at the target. */
  seen: z.number(),
  outcome: z.string(),
});
export type Result = z.output<typeof Result>;

export const CheckResult = z.object({ kind: z.literal("check"), open: z.string(), isolated: z.string() });
export type CheckResult = z.output<typeof CheckResult>;

export const Line = z.union([Result, CheckResult]);
