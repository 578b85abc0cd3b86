/**
 * Schedules of cron: the times of an expression of five fields in a time zone.
 *
 * ```ts
 * const parsed = parseSchedule("30 2 * * *", "Europe/Berlin");
 * if (parsed.kind === "schedule") parsed.next(clock.now()); // milliseconds since the epoch
 * ```
 *
 * When clocks are set forward or back, a schedule of every hour (`*` in the second field) goes on by elapsed time: it has 23
 * or 25 hours on that day. Every other schedule goes by the clock: times that clocks pass over come once, at the instant of
 * the change, and times that they show twice come the first time only.
 *
 * The fields are read and matched by `croner`, on the time that clocks show; its own time zones are not used, since they leave
 * out the hour that comes twice.
 *
 * @module
 */
import { Cron } from "croner";
import { openZone, type Zone } from "./zone.ts";

/** The times of an expression. */
export interface Schedule {
  readonly kind: "schedule";
  /** The first time after `afterMs`, on a full minute; `undefined`: none in the next years. */
  next(afterMs: number): number | undefined;
}

export type ParsedSchedule = Schedule | { readonly kind: "problem"; readonly problem: string };

const NICKNAMES: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const CHARACTERS_MAX = 100;
/** Digits, names of months and days, and `*` `,` `-` `/`: the words that every cron has. */
const FIELDS = /^(?:[\dA-Za-z*,/-]+\s+){4}[\dA-Za-z*,/-]+$/;
const NAMES = /^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)$/i;
const ZONE = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;
const EVERY_HOUR: readonly string[] = ["*", "*/1", "0-23"];
const DAY_MS = 24 * 3_600_000;
/** Clocks are set by less than that. */
const NEAR_MS = DAY_MS + 2 * 3_600_000;
/** Each turn comes to a match, to a change of clocks, or near a match; there is one change in some months. */
const TURNS_MAX = 50;

/** Reads an expression such as `0 3 * * 1-5`, or `@daily`. */
export function parseSchedule(text: string, zoneName: string): ParsedSchedule {
  const expression = NICKNAMES[text.trim().toLowerCase()] ?? text.trim();
  const problem = expressionProblem(expression);
  if (problem !== undefined) return { kind: "problem", problem };
  const zone = zoneOf(zoneName);
  if (zone === undefined) {
    return { kind: "problem", problem: `has the time zone "${zoneName.slice(0, 64)}", which is not known` };
  }
  const cron = new Cron(expression, { mode: "5-part", utcOffset: 0 });
  const nextWall = (wallMs: number): number | undefined => cron.nextRun(new Date(wallMs))?.getTime();
  if (nextWall(Date.UTC(2000, 0, 1)) === undefined) {
    return { kind: "problem", problem: `names a day that never comes: "${text.slice(0, CHARACTERS_MAX)}"` };
  }
  const [, hours = ""] = expression.split(/\s+/);
  const next = EVERY_HOUR.includes(hours) ? nextElapsed : nextShown;
  return { kind: "schedule", next: (afterMs) => next(afterMs, zone, nextWall) };
}

function expressionProblem(expression: string): string | undefined {
  const rule = 'must have the five fields of cron, e.g. "*/15 * * * *", or be a name such as "@hourly"';
  if (expression.length > CHARACTERS_MAX) return `must have at most ${CHARACTERS_MAX} characters`;
  const words = expression.match(/[A-Za-z]+/g) ?? [];
  if (!FIELDS.test(expression) || !words.every((word) => NAMES.test(word))) return rule;
  try {
    new Cron(expression, { mode: "5-part", utcOffset: 0 });
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^\w+: /, "") : String(error);
    return `${rule}: ${why}`;
  }
}

function zoneOf(name: string): Zone | undefined {
  if (!ZONE.test(name)) return undefined;
  try {
    return openZone(name);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

type NextWall = (wallMs: number) => number | undefined;

/** By the clock: `instantOf` never goes back while the shown time goes on. */
function nextShown(afterMs: number, zone: Zone, nextWall: NextWall): number | undefined {
  let wall = nextWall(afterMs + zone.aheadMs(afterMs));
  while (wall !== undefined) {
    const atMs = zone.instantOf(wall);
    if (atMs > afterMs) return atMs;
    wall = nextWall(wall);
  }
  return undefined;
}

/** By elapsed time: from one change of clocks to the next one. */
function nextElapsed(afterMs: number, zone: Zone, nextWall: NextWall): number | undefined {
  let fromMs = afterMs;
  let afterWallMs = afterMs + zone.aheadMs(afterMs);
  for (let turns = 0; turns < TURNS_MAX; turns++) {
    const wall = nextWall(afterWallMs);
    if (wall === undefined) return undefined;
    const atMs = wall - zone.aheadMs(fromMs);
    const nearMs = Math.min(atMs, fromMs + NEAR_MS);
    const changeMs = zone.changeIn(fromMs, nearMs);
    if (changeMs === undefined && nearMs === atMs) return atMs;
    fromMs = changeMs ?? Math.max(nearMs, atMs - NEAR_MS);
    // The first minute after a change counts, too.
    afterWallMs = fromMs + zone.aheadMs(fromMs) - (changeMs === undefined ? 0 : 1);
  }
  return undefined;
}
