// deno-lint-ignore-file no-console -- a script whose output is for a person
/** Prints the sizes of this repository and the share of its comments that are not in plain words: `deno task count`. */
import { countsOf, isProduction, isTest, type Source, trackedSources } from "./counts/counts.ts";

function print(name: string, sources: readonly Source[]): number {
  const counts = countsOf(sources);
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const rows: readonly (readonly [string, string])[] = [
    ["files", String(counts.files)],
    ["lines", String(counts.lines)],
    ["lines of a file, median / p90 / longest", `${counts.median} / ${counts.p90} / ${counts.longest}`],
    ["files under 20 lines", percent(counts.shortShare)],
    ["comment lines", percent(counts.commentShare)],
    ["doc comments that begin with What, How, Who or Whether", percent(counts.questionShare)],
    ["doc comments with whoever, somebody or nobody", percent(counts.indefiniteShare)],
    ["doc comments with either", percent(counts.dialectShare)],
  ];
  console.log(`${name}\n${rows.map(([label, value]) => `  ${label.padEnd(56)}${value}`).join("\n")}`);
  return counts.lines;
}

const sources = await trackedSources();
const code = print("production", sources.filter(({ path }) => isProduction(path)));
const tests = print("tests", sources.filter(({ path }) => isTest(path)));
console.log(`test : code  ${(tests / code).toFixed(2)}`);
