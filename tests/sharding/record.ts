// deno-lint-ignore-file no-console -- a script whose output is for a person
/**
 * Records the statements that the store sends to MySQL while its tests, and those of its users, run:
 * `deno task statements` writes `corpus.jsonl`, `deno task statements svc/ctrl/api/tasks` adds to it what these tests
 * send, and `deno task statements --check` fails when something is missing in it.
 */
import process from "node:process";
import { type Corpus, corpusOf, keyOf, mergeCorpora, parseCorpus, renderCorpus } from "./corpus.ts";
import type { RecordedStatement } from "./recorded.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const CORPUS = new URL("corpus.jsonl", import.meta.url);
/** Some of the store's own tests, on MySQL only: enough to see that the corpus is old, in seconds. */
export const SOME = {
  paths: ["changes", "deployment_status", "output_retention", "packs", "routes", "steps", "traces"].map((
    name,
  ) => `svc/ctrl/internal/store/${name}_test.ts`),
  filter: "/MySQL/",
};
/** The store and its users. */
const ALL = { paths: ["svc/ctrl"] };
/** Several times of what all of them take on a busy machine. */
const RECORD_MS_MAX = 60 * 60_000;

export async function readCorpus(): Promise<Corpus> {
  return parseCorpus(await Deno.readTextFile(CORPUS));
}

/** Runs tests and returns their statements. Tests that fail because of the other database are no matter. */
export async function record(
  { paths, filter }: { readonly paths: readonly string[]; readonly filter?: string },
): Promise<readonly RecordedStatement[]> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-statements-" });
  try {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--quiet", `--preload=${ROOT}tests/sharding/recorder.ts`].concat(
        filter === undefined ? [] : ["--filter", filter],
        paths,
      ),
      cwd: ROOT,
      env: { UNKEY_STATEMENTS_FOLDER: folder, UNKEY_TEST_STORE: "mysql", UNKEY_TEST_FAULTS: "none" },
      stdin: "null",
      signal: AbortSignal.timeout(RECORD_MS_MAX),
    }).output();
    if (code !== 0) console.error(new TextDecoder().decode(stdout).slice(-2_000));
    return await readRecorded(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function readRecorded(folder: string): Promise<readonly RecordedStatement[]> {
  const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const texts = await Promise.all(files.map((name) => Deno.readTextFile(`${folder}/${name}`)));
  // A process that was killed may leave half a line; connections of two files never have one number.
  return texts.flatMap((text, file) =>
    text.split("\n").slice(0, -1).map((line): RecordedStatement => {
      const statement: RecordedStatement = JSON.parse(line);
      return { ...statement, connection: `${file}/${statement.connection}` };
    })
  );
}

/** The functions of the store, as sources name them. */
async function knownSources(): Promise<(source: string) => boolean> {
  const texts = new Map<string, string>();
  const read = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await read(`${folder}/${name}`);
      else texts.set(name, `${texts.get(name) ?? ""}${await Deno.readTextFile(`${folder}/${name}`)}`);
    }
  };
  await read(`${ROOT}svc/ctrl`);
  return (source) => {
    const [file = "", name] = source.split(": ");
    // Statements of a new connection are the driver's.
    return name === undefined || texts.get(`${file.split("/").at(-1)}.ts`)?.includes(name) === true;
  };
}

if (import.meta.main) {
  const paths = process.argv.slice(2).filter((each) => !each.startsWith("--"));
  const recorded = corpusOf(await record(paths.length === 0 ? ALL : { paths }));
  const made = paths.length === 0
    ? recorded
    : mergeCorpora(await readCorpus(), recorded, await knownSources());
  if (process.argv.includes("--check")) {
    const known = new Set((await readCorpus()).statements.map(keyOf));
    const missing = made.statements.filter((each) => !known.has(keyOf(each)));
    for (const each of missing) console.error(`not recorded: ${each.source}: ${each.form}`);
    process.exitCode = missing.length === 0 ? 0 : 1;
  } else {
    await Deno.writeTextFile(CORPUS, renderCorpus(made));
    console.log(`${made.statements.length} statements, ${made.transactions.length} transactions`);
  }
}
