/** Lines of structured output: one JSON object each. */
import { type Level, levelOfName, levelOfNumber, levelOfText } from "./level.ts";

/** A line, read. A line of text has no message and no fields. */
export interface ReadLine {
  readonly level: Level | undefined;
  readonly message: string | undefined;
  /** The rest of the object, as it is. */
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

/** Longer lines count as text: no logger writes such objects for a person to read. */
const JSON_CHARS_MAX = 65_536;
/** In the order in which they count. */
const LEVEL_KEYS = ["level", "severity", "lvl", "loglevel", "log.level", "levelname", "@l"] as const;
const MESSAGE_KEYS = ["msg", "message", "@m", "event"] as const;

/** Reads a line: from JSON its level, message and other fields, from text the level that it begins with. */
export function readLine(text: string): ReadLine {
  const object = objectOf(text);
  if (object === undefined) return { level: levelOfText(text), message: undefined, fields: undefined };
  const levelKey = LEVEL_KEYS.find((key) => levelOf(object[key]) !== undefined);
  const messageKey = MESSAGE_KEYS.find((key) => typeof object[key] === "string");
  const message = messageKey === undefined ? undefined : object[messageKey];
  const rest = Object.entries(object).filter(([key]) => key !== levelKey && key !== messageKey);
  return {
    level: levelKey === undefined ? undefined : levelOf(object[levelKey]),
    message: typeof message === "string" ? message : undefined,
    fields: Object.fromEntries(rest),
  };
}

function levelOf(value: unknown): Level | undefined {
  if (typeof value === "string") return levelOfName(value);
  return typeof value === "number" ? levelOfNumber(value) : undefined;
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.length > JSON_CHARS_MAX) return undefined;
  const trimmed = text.trim();
  if (!trimmed.startsWith("{") || !trimmed.endsWith("}")) return undefined;
  try {
    const value: unknown = JSON.parse(trimmed);
    return isObject(value) ? value : undefined;
  } catch {
    // It only looks like JSON.
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
