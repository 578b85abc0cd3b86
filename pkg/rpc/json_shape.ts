import type { NodeRequest } from "./node_http.ts";

/** Bounds of the structure of a JSON text. */
export interface JsonLimits {
  /** Objects and arrays inside of each other. */
  readonly depthMax: number;
  /** Members of all objects and elements of all arrays together. */
  readonly membersMax: number;
}

export const JSON_LIMITS: JsonLimits = { depthMax: 64, membersMax: 20_000 };

/** The most bytes of one message. */
export interface MessageSizes {
  readonly messageBytesMax: number;
  /** In JSON: its text takes ten times as long to read as the same in binary. */
  readonly jsonBytesMax: number;
}

/** The most bytes that the message of this request may have. */
export function messageBytesMaxOf(
  { headers }: Pick<NodeRequest, "headers">,
  { jsonBytesMax, messageBytesMax }: MessageSizes,
): number {
  const isJson = headers["content-type"]?.includes("json") === true;
  return isJson ? Math.min(jsonBytesMax, messageBytesMax) : messageBytesMax;
}

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPEN = new Set([91, 123]);
const CLOSE = new Set([93, 125]);

/**
 * The reason why a JSON text should not be parsed; `undefined` when it may be. A text of a few MiB that is nothing but
 * structure takes seconds to parse, one that is mostly strings milliseconds. The text need not be valid.
 */
export function jsonProblem(bytes: Uint8Array, limits: JsonLimits = JSON_LIMITS): string | undefined {
  let depth = 0;
  let members = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at] ?? 0;
    if (inString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) {
      inString = true;
    } else if (OPEN.has(code)) {
      members++;
      if (++depth > limits.depthMax) return `The JSON is nested deeper than ${limits.depthMax} levels.`;
    } else if (CLOSE.has(code)) {
      depth--;
    } else if (code === COMMA) {
      members++;
    }
    if (members > limits.membersMax) return `The JSON has more than ${limits.membersMax} members.`;
  }
  return undefined;
}
