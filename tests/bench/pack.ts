/** Packing and hashing a build context of many small files, beside `tar -cz` of the same folder. */
import { listBuildContext } from "../../pkg/archive/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { cutManifest, digestFolder, KeptChunks, packFiles, PackWriter } from "../../pkg/content/mod.ts";
import { BOUNDS } from "./bounds.ts";
import { quantile, report, type Row } from "./row.ts";

const FOLDERS = 400;
const FILES_PER_FOLDER = 50;
const ROUNDS = 5;
/** Files that were written within the last 2 s are always packed again; a source tree is older. */
const SETTLED_MS = 2_100;

/** Measures the first pack, which reads everything, and the next ones, when nothing has changed. */
export async function benchPack(): Promise<Row[]> {
  const base = await Deno.makeTempDir({ prefix: "unkey-bench-pack-" });
  try {
    const root = `${base}/app`;
    await writeTree(root);
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    const tarMs = await timed(async () => {
      const { success } = await new Deno.Command("tar", { args: ["-czf", `${base}/tar.gz`, "-C", root, "."] })
        .output();
      if (!success) throw new Error("tar failed");
    });
    const firstMs = await timed(() => pack(root, base, { first: true }));
    const unchanged: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      unchanged.push(await timed(() => pack(root, base, { first: false })));
    }
    const files = (FOLDERS * FILES_PER_FOLDER).toLocaleString("en");
    const tar = `tar -cz: ${tarMs.toFixed(0)} ms`;
    const medianMs = quantile(unchanged, 0.5);
    return [
      {
        measure: `pack + hash of an unchanged ${files}-file context`,
        bound: BOUNDS.packMs,
        measured: `${medianMs.toFixed(0)} ms (${tar})`,
        ok: medianMs < BOUNDS.packMs.limit,
      },
      {
        measure: "the same, packed for the first time",
        bound: BOUNDS.packFirst,
        measured: `${firstMs.toFixed(0)} ms (${tar})`,
        ok: firstMs <= tarMs,
      },
    ];
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

/** Lists and digests the folder; the first time, every chunk is packed too. */
async function pack(root: string, base: string, { first }: { readonly first: boolean }): Promise<void> {
  const { signal } = new AbortController();
  const dockerfile = { file: `${root}/Dockerfile`, name: "Dockerfile" };
  const listed = await listBuildContext(root, { dockerfile, includeGit: false }, signal);
  const kept = new KeptChunks(64 << 20);
  const options = { kept, cacheDirectory: `${base}/cache`, nowMs: systemClock().now(), signal };
  const entries = await digestFolder({ ...listed, ...options });
  cutManifest(entries);
  if (!first) return;
  const writer = new PackWriter();
  for (const _pack of packFiles(writer, { root, entries, kept }, () => true));
  writer.end();
}

/** Some 45 MB of text that compresses about as source code does. */
async function writeTree(root: string): Promise<void> {
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${root}/Dockerfile`, "FROM scratch\nCOPY . /\n");
  await Deno.writeTextFile(`${root}/.dockerignore`, ".git\n**/*.log\n**/node_modules/.cache\n");
  for (let folder = 0; folder < FOLDERS; folder++) {
    const path = `${root}/src/area${folder % 20}/module${folder}`;
    await Deno.mkdir(path, { recursive: true });
    for (let file = 0; file < FILES_PER_FOLDER; file++) {
      const lines = 10 + (folder * FILES_PER_FOLDER + file) % 60;
      const text = Array.from(
        { length: lines },
        (_, line) =>
          `export const value${line} = compute(${
            (folder * 7919 + file * 104_729 + line * 31) % 1_000_003
          });\n`,
      );
      Deno.writeTextFileSync(`${path}/file${file}.ts`, text.join(""));
    }
  }
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

if (import.meta.main) report(await benchPack());
