import { z } from "zod";

/** A time of the log, as the user wrote it. */
export type Moment =
  | { readonly kind: "ago"; readonly ms: number }
  | { readonly kind: "at"; readonly ms: number };

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/;
const EXPECTED =
  "must be a time such as 2026-01-31T12:00:00Z, or how long ago it was, such as 90s, 10m, 2h30m or 7d";

/** A moment that may be left out. A time without a zone is local, a date is its first moment in UTC (ECMA-262, 21.4.1.32). */
export function momentSchema(): z.ZodType<Moment | undefined> {
  return z.string().optional().transform((raw, context): Moment | undefined => {
    if (raw === undefined) return undefined;
    const moment = parseMoment(raw);
    if (moment !== undefined) return moment;
    context.addIssue({ code: "custom", message: EXPECTED });
    return z.NEVER;
  });
}

/** Milliseconds since the epoch. */
export function momentMs(moment: Moment, nowMs: number): number {
  return moment.kind === "at" ? moment.ms : Math.max(0, nowMs - moment.ms);
}

/** Bounds of lines in milliseconds since the epoch; 0 for none, as in the RPCs. */
export function rangeOf(
  { since, until }: { readonly since?: Moment | undefined; readonly until?: Moment | undefined },
  nowMs: number,
): { since: number; until: number } {
  return {
    since: since === undefined ? 0 : momentMs(since, nowMs),
    until: until === undefined ? 0 : momentMs(until, nowMs),
  };
}

function parseMoment(raw: string): Moment | undefined {
  if (/^(?:\d{1,9}[smhd])+$/.test(raw)) {
    const parts = [...raw.matchAll(/(\d+)([smhd])/g)];
    return { kind: "ago", ms: parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitMs(unit), 0) };
  }
  const ms = TIME.test(raw) ? Date.parse(raw) : NaN;
  return Number.isNaN(ms) || ms < 0 ? undefined : { kind: "at", ms };
}

function unitMs(unit: string | undefined): number {
  return unit === "s" || unit === "m" || unit === "h" ? UNITS[unit] : UNITS.d;
}
