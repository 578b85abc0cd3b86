/** Output of commands: tables whose columns line up, times as ages, and foreign text that cannot move the cursor. */
import { z } from "zod";
import { field } from "../../pkg/config/mod.ts";

/** The forms of output; `ndjson` is one JSON object a line. */
export const OUTPUT_SCHEMA = z.enum(["text", "json", "ndjson"], { error: "must be text, json or ndjson" });

/** The parts of the setting that are the same for all commands. */
export const OUTPUT = {
  flag: "output",
  env: "UNKEY_OUTPUT",
  placeholder: "<text|json|ndjson>",
  shorts: [{ flag: "json", env: "UNKEY_JSON", value: "json" }],
} as const;

/** The setting of every command that can print for programs: true for JSON, which is an object on one line. */
export const JSON_FIELD = field({
  ...OUTPUT,
  help: "Text, or one JSON object on a line.",
  schema: OUTPUT_SCHEMA.default("text").transform((form) => form !== "text"),
  show: (json) => json ? "json" : "text",
});

/** One JSON object on a line. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** Rows below their titles, every column as wide as its widest cell; the last one ends where its text does. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [titles, ...rows.map((row) => row.map((cell) => cell === "" ? "-" : oneLine(cell)))];
  const widths = titles.map((_title, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  const lines = cells.map((row) =>
    row.map((cell, at) => at === titles.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)).join("  ")
  );
  return `${lines.join("\n")}\n`;
}

/** Names and values below each other, a line for each value; a name without a value is left out. */
export function facts(entries: Readonly<Record<string, string | readonly string[] | undefined>>): string {
  const shown = Object.entries(entries).flatMap(([name, value]) => {
    const values = typeof value === "string" ? [value] : value ?? [];
    return values.filter((each) => each !== "").map((each, at) => [at === 0 ? name : "", each] as const);
  });
  const width = Math.max(0, ...Object.keys(entries).map((name) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join("");
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Time since `atMs` in the largest unit that fits, e.g. `3m`; never negative, also when the server's clock is ahead. */
export function age(atMs: number, nowMs: number): string {
  const ms = Math.max(0, nowMs - atMs);
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h`;
  return `${Math.floor(ms / DAY)}d`;
}

/** Without control characters that colour the text, move the cursor or make a sound. Keeps line ends and tabs. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are removed
  return text.replaceAll(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, "").replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
}

/** The same in a single line. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, " ")).trim();
}
