/** Levels of lines, from JSON values and from the beginnings of lines of text. */

/** From the least severe on. */
export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export type Level = (typeof LEVELS)[number];

const NAMES: Readonly<Record<string, Level>> = {
  trace: "trace",
  verbose: "trace",
  finest: "trace",
  finer: "trace",
  debug: "debug",
  dbg: "debug",
  fine: "debug",
  info: "info",
  information: "info",
  informational: "info",
  inf: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  wrn: "warn",
  error: "error",
  err: "error",
  severe: "error",
  fatal: "fatal",
  ftl: "fatal",
  critical: "fatal",
  crit: "fatal",
  alert: "fatal",
  emerg: "fatal",
  emergency: "fatal",
  panic: "fatal",
};
const NAME =
  "trace|debug|dbg|info|information|inf|notice|warn|warning|wrn|error|err|severe|fatal|ftl|critical|crit|" +
  "alert|emerg|emergency|panic";
const CAPITALS = NAME.toUpperCase();

/** A level stands near the beginning of a line, behind a time, a thread or a process. */
const HEAD_CHARS = 120;
// deno-lint-ignore no-control-regex -- colours of terminals begin with ESC
const COLOURS = /\x1b\[[0-9;]{0,20}m/g;
/** From the surest form on: the first that matches decides. */
const FORMS: readonly RegExp[] = [
  new RegExp(`(?:^|[\\s,])(?:level|lvl|severity)="?(${NAME})\\b`, "i"),
  new RegExp(`[\\[<(|](${NAME})[\\]>)|]`, "i"),
  new RegExp(`^"?(${NAME})(?::|\\s-\\s|\\s\\[)`, "i"),
  new RegExp(`(?:^|[\\s\\[(|])(${CAPITALS})(?=$|[\\s\\]):|!,])`),
];
/** The Kubernetes form: `E0102 15:04:05.000000`. */
const KLOG = /^([IWEF])\d{4} \d\d:\d\d:\d\d/;
const KLOG_LEVELS: Readonly<Record<string, Level>> = { I: "info", W: "warn", E: "error", F: "fatal" };

/** The level of a name such as `WARNING`; `undefined` for other words. */
export function levelOfName(name: string): Level | undefined {
  const key = name.trim().toLowerCase();
  return Object.hasOwn(NAMES, key) ? NAMES[key] : undefined;
}

/** The level of a number: 10 to 60 in steps of ten as pino and bunyan write them, 0 to 7 as in RFC 5424. */
export function levelOfNumber(value: number): Level | undefined {
  if (!Number.isInteger(value) || value < 0 || value > 69) return undefined;
  if (value >= 10) return LEVELS[Math.floor(value / 10) - 1];
  if (value <= 2) return "fatal";
  return value > 7 ? undefined : (["error", "warn", "info", "info", "debug"] as const)[value - 3];
}

/** The level that the beginning of a line of text names. */
export function levelOfText(text: string): Level | undefined {
  const head = text.slice(0, 2 * HEAD_CHARS).replaceAll(COLOURS, "").slice(0, HEAD_CHARS).trimStart();
  const letter = KLOG.exec(head)?.[1];
  if (letter !== undefined) return KLOG_LEVELS[letter];
  for (const form of FORMS) {
    const name = form.exec(head)?.[1];
    if (name !== undefined) return levelOfName(name);
  }
  return undefined;
}

/** True for a line of this level or a more severe one; lines without a level are of none. */
export function isAtLeast(level: Level | undefined, least: Level): boolean {
  return level !== undefined && LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}

/** One bit for each level that occurs. */
export function levelMask(levels: Iterable<Level | undefined>): number {
  let mask = 0;
  for (const level of levels) if (level !== undefined) mask |= 1 << LEVELS.indexOf(level);
  return mask;
}

/** The bits of a level and of all more severe ones. */
export function maskFrom(least: Level): number {
  return levelMask(LEVELS.slice(LEVELS.indexOf(least)));
}
