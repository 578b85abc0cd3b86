import { distance } from "fastest-levenshtein";
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type { z } from "zod";
import { UsageError } from "../../../pkg/cli/mod.ts";
import { HEALTH_CHECK_KEYS } from "./app_keys.ts";
import { BUILD_KEYS } from "./build_keys.ts";
import { CRON_KEYS } from "./cron_keys.ts";
import { KEYS, type ProjectSettings, SCHEMA } from "./keys.ts";

/** A file that is right. */
export interface ParsedProjectFile {
  readonly settings: ProjectSettings;
  /** The line of a key like `build.target`, from 1; `undefined` for one that is not there. */
  readonly lineOf: (key: string) => number | undefined;
}

/** One problem, with where it is in the text. */
interface Problem {
  readonly offset: number;
  readonly text: string;
}

const DISTANCE_MAX = 3;

/**
 * Reads JSON with comments and commas at the end of lists.
 *
 * @throws `UsageError` that lists every problem with line and column
 */
export function parseProjectFile(path: string, given: string): ParsedProjectFile {
  const text = given.replace(/^\ufeff/, "");
  const root = parseText(path, text);
  const parsed = SCHEMA.safeParse(getNodeValue(root));
  const problems = [
    ...duplicates(root),
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => describeIssue(issue, root))),
  ].sort((a, b) => a.offset - b.offset);
  if (parsed.success && problems.length === 0) {
    const nodeOf = (key: string): Node | undefined => findNodeAtLocation(root, key.split("."))?.parent;
    const lineOf = (key: string): number | undefined => {
      const node = nodeOf(key);
      return node === undefined ? undefined : place(text, node.offset).line;
    };
    return { settings: parsed.data, lineOf };
  }
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  const lines = problems.map(({ offset, text: problem }) => {
    const { line, column } = place(text, offset);
    return `  ${line}:${column} ${problem}`;
  });
  throw new UsageError(`${path} has ${count}:\n${lines.join("\n")}`);
}

function parseText(path: string, text: string): Node {
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { allowTrailingComma: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${path} is nested too deeply. Correct it, or remove it.`, { cause: error });
  }
  const [first] = errors;
  if (first === undefined && root !== undefined) return root;
  const { line, column } = place(text, first?.offset ?? 0);
  const why = first === undefined ? "it is empty" : SYNTAX[printParseErrorCode(first.error)] ?? SYMBOL;
  throw new UsageError(`${path}:${line}:${column} is not JSON: ${why}. Correct it, or remove it.`);
}

const SYMBOL = "a character that cannot be here";
const SYNTAX: Readonly<Record<string, string>> = {
  ValueExpected: "a value is missing",
  ColonExpected: "a colon is missing",
  CommaExpected: "a comma is missing",
  PropertyNameExpected: "a key in double quotes is missing",
  CloseBraceExpected: 'a "}" is missing',
  CloseBracketExpected: 'a "]" is missing',
  EndOfFileExpected: "there is more behind the end",
  UnexpectedEndOfString: "a text has no closing quote",
  UnexpectedEndOfComment: "a comment has no end",
  InvalidEscapeCharacter: "an escape that does not exist",
  InvalidUnicode: "an escape that does not exist",
};

/** Line and column, both from 1. */
function place(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Of a key that is there twice only one would hold. */
function* duplicates(node: Node): Generator<Problem> {
  const seen = new Set<string>();
  for (const child of node.children ?? []) {
    const [name] = child.type === "property" ? child.children ?? [] : [];
    if (name !== undefined && seen.has(String(name.value))) {
      yield { offset: name.offset, text: `"${name.value}" is there twice` };
    }
    if (name !== undefined) seen.add(String(name.value));
    yield* duplicates(child);
  }
}

function describeIssue(issue: z.core.$ZodIssue, root: Node): Problem[] {
  const path = issue.path.map((each) => typeof each === "symbol" ? String(each) : each);
  const shown = path.join(".");
  const value = findNodeAtLocation(root, path) ?? root;
  const at = issue.code === "invalid_key" ? value.parent ?? value : value;
  if (issue.code !== "unrecognized_keys") {
    return [{
      offset: at.offset,
      text: shown === "" ? "it must be a JSON object" : `"${shown}" ${issue.message}`,
    }];
  }
  const known = KNOWN_KEYS[path.map((each) => typeof each === "number" ? "*" : each).join(".")];
  return issue.keys.map((key) => ({
    offset: findNodeAtLocation(root, [...path, key])?.parent?.offset ?? at.offset,
    text: known === undefined
      ? `"${shown}" ${issue.message}`
      : unknownKey(key, known, shown === "" ? "" : `${shown}.`),
  }));
}

/** The keys of each object whose keys are known; `*` stands for each entry of a list. */
const KNOWN_KEYS: Readonly<Record<string, readonly string[]>> = {
  "": Object.keys(KEYS),
  build: Object.keys(BUILD_KEYS),
  healthCheck: Object.keys(HEALTH_CHECK_KEYS),
  "crons.*": Object.keys(CRON_KEYS),
};

function unknownKey(key: string, known: readonly string[], prefix: string): string {
  const [nearest] = known.toSorted((a, b) => distance(a, key) - distance(b, key));
  return nearest !== undefined && distance(nearest.toLowerCase(), key.toLowerCase()) <= DISTANCE_MAX
    ? `"${prefix}${key}" is not known: did you mean "${prefix}${nearest}"?`
    : `"${prefix}${key}" is not known. Known: ${known.join(", ")}`;
}
