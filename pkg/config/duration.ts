import { z } from "zod";

const UNITS = { h: 3_600_000, m: 60_000, s: 1_000 } as const;
const PATTERN = /^(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?$/;

/** A duration like `90s`, `30m` or `1h30m`, in milliseconds. */
export function durationSchema(
  { fallback, minMs, maxMs }: { readonly fallback: string; readonly minMs: number; readonly maxMs: number },
): z.ZodType<number> {
  return z.string().default(fallback).transform((raw, context): number => {
    const ms = parse(raw);
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
    const message = `must be a duration like 90s, 30m or 1h30m, from ${durationText(minMs)} to ${
      durationText(maxMs)
    }`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

function parse(text: string): number | undefined {
  const [match, hours, minutes, seconds] = PATTERN.exec(text) ?? [];
  if (match === undefined || match === "") return undefined;
  return Number(hours ?? 0) * UNITS.h + Number(minutes ?? 0) * UNITS.m + Number(seconds ?? 0) * UNITS.s;
}

/** The text of whole seconds, as short as `durationSchema` takes it. */
export function durationText(ms: number): string {
  let left = Math.round(ms / UNITS.s) * UNITS.s;
  const parts = Object.entries(UNITS).map(([unit, unitMs]) => {
    const count = Math.floor(left / unitMs);
    left -= count * unitMs;
    return count === 0 ? "" : `${count}${unit}`;
  });
  return parts.join("") || "0s";
}
