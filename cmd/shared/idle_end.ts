/** Times after which unused deployments end, as text. */
import { z } from "zod";

/** The wish of a user: a time, that they never end, or the operator's value. */
export type IdleEnd = { readonly kind: "seconds"; readonly seconds: number } | { readonly kind: "operator" };

const UNITS = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const RULE = "must be a time such as 7d, 12h or 30m, or never, or default for the operator's value";

export const IDLE_END_SCHEMA = z.string().optional().transform((text, context): IdleEnd | undefined => {
  if (text === undefined) return undefined;
  if (text === "never") return { kind: "seconds", seconds: 0 };
  if (text === "default") return { kind: "operator" };
  const [, count = "", unit = ""] = /^([1-9]\d{0,6})([dhms])$/.exec(text) ?? [];
  const size = Object.entries(UNITS).find(([name]) => name === unit)?.[1];
  if (size !== undefined) return { kind: "seconds", seconds: Number(count) * size };
  context.addIssue({ code: "custom", message: RULE });
  return z.NEVER;
});

/** E.g. `7d`; `never` for 0. */
export function idleEndText(seconds: number): string {
  if (seconds === 0) return "never";
  const [name, size] = Object.entries(UNITS).find(([, size]) => seconds % size === 0) ?? ["s", 1];
  return `${seconds / size}${name}`;
}
