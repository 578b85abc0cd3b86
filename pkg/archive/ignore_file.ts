import { posix } from "node:path";

/** One rule of an ignore file, cleaned as Docker cleans it. */
export interface Rule {
  /** Without the leading `!`. */
  readonly pattern: string;
  /** True if it takes paths back in. */
  readonly exception: boolean;
  /** As it is written, without the blanks around it. */
  readonly text: string;
  /** Counted from 1; absent for a rule that is in no file. */
  readonly line?: number;
}

/**
 * The rules of a `.dockerignore`: comments only at the very start of a line, blanks around a pattern dropped, absolute
 * patterns taken as relative to the context.
 */
export function parseIgnoreFile(text: string): readonly Rule[] {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  return lines.flatMap((raw, index) => {
    const rule = raw.startsWith("#") ? undefined : parseRule(raw.trim());
    return rule === undefined ? [] : [{ ...rule, text: raw.trim(), line: index + 1 }];
  });
}

function parseRule(text: string): Omit<Rule, "line" | "text"> | undefined {
  if (text === "") return undefined;
  const inverted = text.startsWith("!");
  const given = inverted ? text.slice(1).trim() : text;
  const clean = given === "" ? "" : cleanPath(given);
  const relative = clean.length > 1 && clean.startsWith("/") ? clean.slice(1) : clean;
  // Docker joins the mark with the cleaned pattern and takes them apart again, so `/!x` is an exception too.
  const joined = cleanPath(`${inverted ? "!" : ""}${relative}`.trim());
  return joined.startsWith("!")
    ? { pattern: joined.slice(1), exception: true }
    : { pattern: joined, exception: false };
}

/** Go's `path.Clean`: like `normalize`, but with no slash at the end. */
function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}
