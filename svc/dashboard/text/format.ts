/** Times and names as people read them. */

const UNITS = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1_000, "s"]] as const;

/** Time since `atMs` in one unit, e.g. `3 min`. */
export function age(atMs: number, nowMs: number): string {
  const passedMs = Math.max(0, nowMs - atMs);
  const [unitMs, unit] = UNITS.find(([each]) => passedMs >= each) ?? [1_000, "s"];
  return `${Math.floor(passedMs / unitMs)} ${unit}`;
}

/** The time of day in the browser's zone: `09:05:01.250`. */
export function clockTime(atMs: number): string {
  const at = new Date(atMs);
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) =>
    String(part).padStart(2, "0")
  );
  return `${parts.join(":")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** A word of a shell's command line, quoted where it has to be. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A number with as many digits as say something: `0.25`, `12.5`, `140`. */
export function decimal(value: number): string {
  return value.toFixed(value === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0);
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** A number of bytes: `512 B`, `1.2 MB`. */
export function byteText(value: number): string {
  let [rest, unit] = [value, 0];
  for (; rest >= 1_000 && unit < BYTE_UNITS.length - 1; unit++) rest /= 1_000;
  return `${unit === 0 ? Math.round(rest) : rest.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** A duration: `840 ms`, `8.2 s`, `3 min 5 s`, `5 min`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const [hours, minutes, rest] = [
    Math.floor(seconds / 3_600),
    Math.floor(seconds % 3_600 / 60),
    seconds % 60,
  ];
  const [large, small] = hours > 0 ? [`${hours} h`, [minutes, "min"]] : [`${minutes} min`, [rest, "s"]];
  return small[0] === 0 ? large : `${large} ${small.join(" ")}`;
}

/** The first characters of a commit. */
export function shortSha(sha: string): string {
  return sha.slice(0, 7);
}

/** The first line of a commit's message. */
export function firstLine(text: string): string {
  return plain(text.split("\n", 1)[0] ?? "");
}

/** `1 instance`, `2 instances`; `plural` for a noun whose own is irregular. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}

// deno-lint-ignore no-control-regex -- they are what is looked for
const ESCAPES = /\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-_])/g;
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const LINE_CHARACTERS_MAX = 4_000;

/**
 * Foreign text as it is shown: without escape sequences, control characters, and characters that turn the direction of the
 * text around. It is cut at 4,000 characters.
 */
export function plain(text: string): string {
  const cut = text.length > LINE_CHARACTERS_MAX ? `${text.slice(0, LINE_CHARACTERS_MAX)}…` : text;
  return cut.replace(ESCAPES, "").replace(CONTROLS, "");
}

/** A link target: `http:` or `https:`, or none. */
export function safeUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, href } = new URL(text);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}
