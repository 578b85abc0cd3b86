/** Untrusted YAML: each step costs the same, however the text is written. */
import type { CST, Node as YamlNode } from "./yaml_library.ts";

export type Parsed = { readonly value: unknown } | { readonly problem: string };

/** Of the library's lexer: a line of `name: value` has six or seven. Each costs one to two microseconds. */
export const YAML_TOKENS_MAX = 80_000;
/** Of open lists and objects: twice the levels that a document may have, since YAML nests some of its own. */
const OPEN_MAX = 200;

/** A text that is no YAML, or that uses what no OpenAPI document needs. */
class NotYaml extends Error {}
class TooManyTokens extends Error {}

type Library = typeof import("./yaml_library.ts");

/** Reads one document with names that are not lists or objects, each once in its object. */
export async function readYaml(text: string): Promise<Parsed> {
  const library = await import("./yaml_library.ts");
  try {
    return { value: valueOf(compose(text, library), library, new Map()) };
  } catch (error) {
    if (error instanceof TooManyTokens) {
      return {
        problem: `has more than ${YAML_TOKENS_MAX} tokens of YAML: serve it as JSON, of which more is read`,
      };
    }
    return { problem: "is neither valid JSON nor valid YAML, or has too many levels or a name twice" };
  }
}

function compose(text: string, library: Library): YamlNode | null {
  // Its own check of names compares each with all others; `valueOf` has one that does not.
  const composer = new library.Composer({ schema: "core", uniqueKeys: false, resolveKnownTags: false });
  // It gathers errors, each with a stack: thousands of them cost more than all the rest.
  composer["onError"] = (_source: unknown, code: string, _message: string, warning?: boolean): void => {
    if (warning !== true) throw new NotYaml(code);
  };
  const [document, more] = composer.compose(tokensOf(text, library), true, text.length);
  if (document === undefined || more !== undefined) throw new NotYaml("not one document");
  return document.contents;
}

function* tokensOf(text: string, { Lexer, Parser }: Library): Generator<CST.Token> {
  const parser = new Parser();
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > YAML_TOKENS_MAX) throw new TooManyTokens();
    if (parser.stack.length > OPEN_MAX) throw new NotYaml("too many levels");
    yield* checked(parser.next(lexeme));
  }
  yield* checked(parser.end());
}

function* checked(tokens: Iterable<CST.Token>): Generator<CST.Token> {
  for (const token of tokens) {
    if (token.type === "error") throw new NotYaml(token.message);
    yield token;
  }
}

/** An alias is the value of its anchor itself, not a copy. `anchors` are those before it. */
function valueOf(node: unknown, library: Library, anchors: Map<string, unknown>): unknown {
  const { isAlias, isMap, isScalar, isSeq } = library;
  if (isAlias(node)) {
    if (!anchors.has(node.source)) throw new NotYaml("an alias without an anchor before it");
    return anchors.get(node.source);
  }
  let value: unknown = null;
  if (isScalar(node)) value = node.value;
  if (isSeq(node)) value = node.items.map((each) => valueOf(each, library, anchors));
  if (isMap(node)) {
    const entries = new Map<string, unknown>();
    for (const { key, value: each } of node.items) {
      const name = nameOf(key, library, anchors);
      if (entries.has(name)) throw new NotYaml("a name twice");
      entries.set(name, valueOf(each, library, anchors));
    }
    value = Object.fromEntries(entries);
  }
  const anchor = isScalar(node) || isSeq(node) || isMap(node) ? node.anchor : undefined;
  if (anchor !== undefined) anchors.set(anchor, value);
  return value;
}

function nameOf(key: unknown, library: Library, anchors: Map<string, unknown>): string {
  const value = key === null ? null : valueOf(key, library, anchors);
  if (typeof value === "object" && value !== null) throw new NotYaml("a name that is a list or an object");
  return value === null ? "" : String(value);
}
