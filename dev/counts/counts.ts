/** Sizes of source files and the words of their doc comments. */

export interface Source {
  /** From the root of the checkout. */
  readonly path: string;
  readonly text: string;
}

export interface Counts {
  readonly files: number;
  readonly lines: number;
  /** Lines of a file. */
  readonly median: number;
  readonly p90: number;
  readonly longest: number;
  /** Files under 20 lines; this and all other shares are 0 to 1. */
  readonly shortShare: number;
  /** Of all lines. */
  readonly commentShare: number;
  /** Doc comments that begin with What, How, Who or Whether. */
  readonly questionShare: number;
  /** Doc comments with an indefinite person for a subject. */
  readonly indefiniteShare: number;
  /** Doc comments of either kind. */
  readonly dialectShare: number;
}

const ROOT = new URL("../../", import.meta.url).pathname;
const SHORT_LINES_MAX = 20;
const QUESTION = /^(What|Who|Whoever|Whose|How|Whether)\b/;
const INDEFINITE = /\b(whoever|somebody|nobody)\b/i;

export function isTest(path: string): boolean {
  return /_test\.tsx?$|(^|\/)testing\w*\.tsx?$/.test(path) || /^(tests|pkg\/testkit)\//.test(path);
}

/** Neither a test nor generated. */
export function isProduction(path: string): boolean {
  return /\.tsx?$/.test(path) && !path.startsWith("proto/gen/") && !isTest(path);
}

/** All TypeScript files that git tracks. */
export async function trackedSources(): Promise<Source[]> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["-C", ROOT, "ls-files", "*.ts", "*.tsx"],
  }).output();
  if (!success) throw new Error(`git ls-files failed: ${new TextDecoder().decode(stderr)}`);
  const paths = new TextDecoder().decode(stdout).split("\n").filter((path) => path !== "");
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(ROOT + path).catch(() => undefined)));
  return paths.flatMap((path, index) => {
    const text = texts[index];
    return text === undefined ? [] : [{ path, text }];
  });
}

export function countsOf(sources: readonly Source[]): Counts {
  const lengths = sources.map(({ text }) => linesOf(text).length).sort((a, b) => a - b);
  const lines = lengths.reduce((sum, each) => sum + each, 0);
  const docs = sources.flatMap(({ text }) => docComments(text));
  const comments = sources.reduce((sum, { text }) => sum + commentLines(text), 0);
  const docShare = (test: (doc: string) => boolean): number => share(docs.filter(test).length, docs.length);
  return {
    files: sources.length,
    lines,
    median: lengths[Math.floor((lengths.length - 1) / 2)] ?? 0,
    p90: lengths[Math.ceil(0.9 * lengths.length) - 1] ?? 0,
    longest: lengths.at(-1) ?? 0,
    shortShare: share(lengths.filter((each) => each < SHORT_LINES_MAX).length, lengths.length),
    commentShare: share(comments, lines),
    questionShare: docShare((doc) => QUESTION.test(doc)),
    indefiniteShare: docShare((doc) => INDEFINITE.test(doc)),
    dialectShare: docShare((doc) => QUESTION.test(doc) || INDEFINITE.test(doc)),
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}

/** Texts of the comments that begin a line with two stars. */
export function docComments(text: string): string[] {
  return [...text.matchAll(/^[ \t]*\/\*\*([\s\S]*?)\*\//gm)].map(([, doc = ""]) =>
    doc.replaceAll(/^[ \t]*\*?[ \t]?/gm, "").trim()
  );
}

/** Lines that hold nothing but a comment. */
export function commentLines(text: string): number {
  let count = 0;
  let inBlock = false;
  for (const line of linesOf(text)) {
    const begins = /^\s*\/\*/.test(line);
    if (inBlock || begins || /^\s*\/\//.test(line)) count++;
    if (inBlock || begins) inBlock = !line.includes("*/");
  }
  return count;
}
