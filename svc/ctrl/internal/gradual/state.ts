/** A gradual switch as it is stored, decoded. Pure. */
import { z } from "zod";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { shortHash } from "../../../../pkg/hash/mod.ts";
import type { AuditActor, GradualOrdersTable, GradualSwitchesTable } from "../store/mod.ts";
import type { Evidence } from "./gate.ts";

const TOKEN_DIGITS = 8;

const steps = z.array(z.number().int().min(1).max(99)).min(1);
const version = z.object({ requests: z.number(), failed: z.number(), p95Ms: z.number().optional() });
const evidence = z.object({ fromMs: z.number(), untilMs: z.number(), next: version, live: version });
const actor = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("root_key"), id: z.string(), name: z.string() }),
  z.object({ kind: z.literal("service") }),
  z.object({ kind: z.literal("system"), name: z.string() }),
]);

/** The shares before the last step, in percent. */
export function stepsOf({ id, steps: text }: Pick<GradualSwitchesTable, "id" | "steps">): readonly number[] {
  return decode(steps, id, text);
}

/** The share of the requests that the new deployment gets, in percent. */
export function percentOf(row: Pick<GradualSwitchesTable, "id" | "steps" | "step" | "state">): number {
  if (row.state !== "running") return row.state === "completed" ? 100 : 0;
  return stepsOf(row)[row.step] ?? 0;
}

/** The actor who began it. */
export function beginnerOf({ id, actor: text }: Pick<GradualSwitchesTable, "id" | "actor">): AuditActor {
  return decode(actor, id, text);
}

/** The order of a deploy in steps. */
export interface OrderedSteps {
  /** The shares before the last step, in percent. */
  readonly steps: readonly number[];
  /** `undefined`: a person orders each step. */
  readonly everyMs: number | undefined;
  readonly sticky: boolean;
  readonly actor: AuditActor;
}

/** Decodes the order of a deploy. */
export function orderedSteps(row: GradualOrdersTable): OrderedSteps {
  const { deployment_id: id, steps: text, actor: actorText, every_ms: everyMs, is_sticky: isSticky } = row;
  return {
    steps: decode(steps, id, text),
    everyMs: everyMs ?? undefined,
    sticky: isSticky === 1,
    actor: decode(actor, id, actorText),
  };
}

/** The evidence of the last look; `undefined` before the first that found any. */
export function lastEvidence(
  { id, evidence: text }: Pick<GradualSwitchesTable, "id" | "evidence">,
): Evidence | undefined {
  if (text === null) return undefined;
  const { next, live, ...range } = decode(evidence, id, text);
  return {
    ...range,
    next: { ...next, p95Ms: next.p95Ms },
    live: { ...live, p95Ms: live.p95Ms },
  };
}

/** Names the split in the cookies of clients, and says nothing else of it. */
export function splitToken(id: string): string {
  return shortHash(id, TOKEN_DIGITS);
}

function decode<T>(schema: z.ZodType<T>, id: string, text: string): T {
  const value: unknown = JSON.parse(text);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Fault("internal", `gradual switch ${id} is not readable: ${parsed.error.message}`);
}
