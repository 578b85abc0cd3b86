import { redacted } from "./redact.ts";

/** JSON for machines, text for a person at a terminal. */
export type LogFormat = "json" | "text";

/** The fields that every line has. */
export interface LineHead {
  readonly time: string;
  readonly level: string;
  readonly service: string;
  readonly event: string;
}

/** One line without its newline; without `fields`, but saying so, when they cannot be written as JSON. */
export function formatLine(
  format: LogFormat,
  head: LineHead,
  fields: Readonly<Record<string, unknown>>,
): string {
  return format === "json" ? jsonLine(head, fields) : textLine(head, fields);
}

function jsonLine(head: LineHead, fields: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify({ ...head, ...fields }, plain);
  } catch {
    return JSON.stringify({ ...head, fields: "cannot be written as JSON" });
  }
}

/** `time LEVEL service event name=value`; values with blanks, quotes or control characters as JSON. */
function textLine(
  { time, level, service, event }: LineHead,
  fields: Readonly<Record<string, unknown>>,
): string {
  const { service: own, ...rest } = fields;
  const begin = `${time} ${level.toUpperCase().padEnd(5)} ${typeof own === "string" ? own : service} ${
    bare(event)
  }`;
  try {
    const pairs = Object.entries(rest).flatMap(([name, value]) => {
      const text = JSON.stringify({ [name]: value }, plain).slice(JSON.stringify(name).length + 2, -1);
      return text === "" ? [] : [`${name}=${bareValue(text)}`];
    });
    return [begin, ...pairs].join(" ");
  } catch {
    return `${begin} fields="cannot be written as JSON"`;
  }
}

/** An event is a text of the code; a line break in it must not begin a new line all the same. */
function bare(event: string): string {
  const json = JSON.stringify(event);
  return json.slice(1, -1);
}

/** JSON of a text without its quotes, where nothing in it needs them. */
function bareValue(json: string): string {
  return /^"[^\s"\\=]+"$/.test(json) ? json.slice(1, -1) : json;
}

/** JSON has no bigint and prints errors as `{}`. */
function plain(key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return redacted(key, `${value.name}: ${value.message}`);
  return redacted(key, value);
}
