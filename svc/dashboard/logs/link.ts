/** The address of a line: the part of a permalink that finds it again. */
import type { LogLine } from "./buffer.ts";

/** A line, as a link names it. */
export type LineLink =
  | { readonly kind: "event"; readonly sequence: number; readonly index: number }
  | { readonly kind: "instance"; readonly atMs: number; readonly hash: string };

/** The text of a link: `e12.3` is a line of an event, `t1764579600123.1x2y3z` one of an instance. */
export function linkOf(line: LogLine): string {
  if (line.sequence > 0) return `e${line.sequence}.${line.index}`;
  return `t${line.atMs}.${hashOf(line)}`;
}

/** `undefined` for a text that is none of `linkOf`. */
export function parseLink(text: string): LineLink | undefined {
  const event = /^e(\d{1,12})\.(\d{1,9})$/.exec(text);
  if (event !== null) return { kind: "event", sequence: Number(event[1]), index: Number(event[2]) };
  const line = /^t(\d{1,15})\.([0-9a-z]{1,7})$/.exec(text);
  return line === null ? undefined : { kind: "instance", atMs: Number(line[1]), hash: line[2] ?? "" };
}

/** True for the line that the link is about. Cheap for all others. */
export function isLinked(line: LogLine, link: LineLink): boolean {
  if (link.kind === "event") return line.sequence === link.sequence && line.index === link.index;
  return line.sequence === 0 && line.atMs === link.atMs && hashOf(line) === link.hash;
}

/** Lines of one millisecond differ by their instance and text; two that do not are one to a reader. FNV-1a, 32 bits. */
function hashOf({ origin, text }: LogLine): string {
  let hash = 0x811c9dc5;
  for (const character of `${origin}\n${text}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0).toString(36);
}
