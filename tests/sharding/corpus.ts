/** The statements and transactions of a recording, each form once. */
import type { RecordedStatement } from "./recorded.ts";

/** A statement that the store makes. */
export interface Statement {
  /** File and function. */
  readonly source: string;
  /** Its form: lists of any length are one. */
  readonly form: string;
  /** The shortest text of the form, with values for the planner. */
  readonly text: string;
}

/** Statements between begin and commit of a connection, as numbers in the list of statements, in order. */
export type Transaction = readonly number[];

export interface Corpus {
  readonly statements: readonly Statement[];
  readonly transactions: readonly Transaction[];
}

/** Backup and restore work on whole tables and drop them. Shards have Vitess's own backups instead. */
const BACKUP = /^(dump|restored|restore_mark|unfinished_restore): /;
const BEGIN = /^start transaction/;
const END = /^(commit|rollback)$/;

/** Gathers the forms of recorded statements, in an order that does not depend on the run. */
export function corpusOf(recorded: Iterable<RecordedStatement>): Corpus {
  const statements = new Map<string, Statement>();
  const transactions = new Set<string>();
  const open = new Map<string, Set<string>>();
  for (const each of recorded) {
    if (BEGIN.test(each.sql)) open.set(each.connection, new Set());
    if (END.test(each.sql)) {
      const keys = [...open.get(each.connection) ?? []];
      open.delete(each.connection);
      if (keys.length > 1) transactions.add(JSON.stringify(keys));
    }
    if (each.source === "" || BACKUP.test(each.source)) continue;
    const statement = { source: each.source, form: formOf(each.sql), text: filled(each) };
    const key = keyOf(statement);
    const known = statements.get(key);
    if (known === undefined || known.text.length > statement.text.length) statements.set(key, statement);
    // A loop does the same again and again.
    open.get(each.connection)?.add(key);
  }
  return inOrder(statements, [...transactions].map((text): string[] => JSON.parse(text)));
}

/**
 * Both corpora as one, without statements of sources that `isKnown` does not know any more, and the transactions of
 * such statements.
 */
export function mergeCorpora(a: Corpus, b: Corpus, isKnown: (source: string) => boolean): Corpus {
  const statements = new Map<string, Statement>();
  const transactions = new Map<string, readonly string[]>();
  for (const corpus of [a, b]) {
    for (const each of corpus.statements) if (isKnown(each.source)) statements.set(keyOf(each), each);
    for (const numbers of corpus.transactions) {
      const keys = numbers.flatMap((number) => corpus.statements[number] ?? []).map(keyOf);
      transactions.set(JSON.stringify(keys), keys);
    }
  }
  const whole = [...transactions.values()].filter((keys) => keys.every((key) => statements.has(key)));
  return inOrder(statements, whole);
}

function inOrder(
  statements: ReadonlyMap<string, Statement>,
  transactions: readonly (readonly string[])[],
): Corpus {
  const sorted = [...statements.values()].toSorted((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
  const numbers = new Map(sorted.map((each, index) => [keyOf(each), index]));
  const lists = transactions.map((keys) => keys.flatMap((key) => numbers.get(key) ?? []));
  return { statements: sorted, transactions: lists.toSorted((a, b) => a.join() < b.join() ? -1 : 1) };
}

export function keyOf({ source, form }: Pick<Statement, "source" | "form">): string {
  return `${source}\n${form}`;
}

/** The first line: the file is never edited by hand. */
const HEAD = { generated: 'by "deno task statements"' };

/** One statement or transaction a line, so that a change of the store is a change of a few lines. */
export function renderCorpus({ statements, transactions }: Corpus): string {
  return [HEAD, ...statements, ...transactions].map((each) => `${JSON.stringify(each)}\n`).join("");
}

export function parseCorpus(text: string): Corpus {
  const lines = text.split("\n").slice(1).filter((line) => line !== "").map((line) => JSON.parse(line));
  return {
    statements: lines.filter((each) => !Array.isArray(each)),
    transactions: lines.filter((each) => Array.isArray(each)),
  };
}

/** The text with each list of values, and each repeated condition, once. */
function formOf(sql: string): string {
  return sql.replaceAll(/\s+/g, " ").replaceAll(/\(\?(?:, ?\?)*\)/g, "(?)")
    .replaceAll(/\(\?\)(?:, ?\(\?\))+/g, "(?)").replaceAll(/(\([^()]*\))(?: or \1)+/g, "$1");
}

/** The text with values. Their kinds matter to the planner, and nothing else. */
function filled({ sql, values }: RecordedStatement): string {
  let index = 0;
  return sql.replaceAll(/\s+/g, " ").replaceAll("?", () => literal(values[index++]));
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return "null";
  return typeof value === "number" || typeof value === "boolean" ? "1" : "'v'";
}
