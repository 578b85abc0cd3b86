/** A release command as a flag and `unkey.json` have it: a text for the shell, or a JSON list of words. */
import { joinWords } from "./words.ts";

const SHELL = ["sh", "-c"] as const;

/** The words of a release command; `undefined` for no command. A text that is no JSON list of words is one for `sh -c`. */
export function releaseWords(text: string): readonly string[] | undefined {
  if (text.trim() === "") return undefined;
  const words = listOf(text);
  if (words === undefined) return [...SHELL, text];
  return words.length === 0 ? undefined : words;
}

/** The command as a user would write it. */
export function releaseText(words: readonly string[]): string {
  const [program, option, script] = words;
  const isShell = program === SHELL[0] && option === SHELL[1] && words.length === SHELL.length + 1;
  return isShell && script !== undefined ? script : joinWords(words);
}

function listOf(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((each) => typeof each === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}
