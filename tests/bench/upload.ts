/**
 * From the command's start to an image on a real platform, and the bytes that are sent, beside `docker build` of the same change on the same
 * engine, and beside `tar -czf` with `curl` to a server that throws the bytes away.
 */
import { V8_FLAGS } from "../../dev/v8_flags.ts";
import { BASE_IMAGE, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import { openEngine } from "../../pkg/docker/mod.ts";
import { LocalPlatform } from "../testbed/local.ts";
import { BOUNDS } from "./bounds.ts";
import { report, type Row } from "./row.ts";
import { type Deployed, Deploys, MadeImages } from "./upload_deploys.ts";
import { dockerBuildMs, removeReference, tarAndCurl } from "./upload_others.ts";

const FOLDERS = 400;
const FILES_PER_FOLDER = 50;
const LARGE_BYTES = 500_000_000;
/** Files that were written within the last 2 s are always read again; a source tree is older. */
const SETTLED_MS = 2_100;
const BUNDLE = new URL("../../dist/bundle/main.js", import.meta.url).pathname;

/** A context, and one small change of it. */
interface Subject {
  readonly name: string;
  readonly root: string;
  /** Changes that are measured. */
  readonly rounds: number;
  readonly change: () => Promise<void>;
}

/** Measures each context first, unchanged and with one small change. */
export async function benchUpload(): Promise<Row[]> {
  const engine = openEngine();
  await ensureBaseImage(engine, AbortSignal.timeout(60_000));
  engine.close();
  await using images = new MadeImages();
  await using platform = await LocalPlatform.create(await program());
  await platform.start();
  const deploys = new Deploys(platform, await program(), images);
  const rows: Row[] = [];
  for (const subject of [await manyFiles(platform.directory), await largeFile(platform.directory)]) {
    rows.push(...await measure(subject, deploys));
    await Deno.remove(subject.root, { recursive: true });
  }
  await removeReference();
  return rows;
}

/** The bundle of `deno task compile` where it is: its modules load as fast as those of the executable. */
async function program(): Promise<readonly string[]> {
  const main = await Deno.stat(BUNDLE).then(
    () => BUNDLE,
    () => new URL("../../main.ts", import.meta.url).pathname,
  );
  return [Deno.execPath(), "run", "-A", "--quiet", `--v8-flags=${V8_FLAGS}`, main];
}

async function measure({ name, root, rounds: count, change }: Subject, deploys: Deploys): Promise<Row[]> {
  const settle = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  await settle();
  const rows: Row[] = [];
  const afterChange = async <T>(measured: () => Promise<T>): Promise<T> => {
    await change();
    await settle();
    return await measured();
  };
  const first = await deploys.deploy(root);
  rows.push({
    measure: `upload of ${name}, first`,
    measured: describe(first, await afterChange(() => others(root))),
    ok: undefined,
  });
  await deploys.deploy(root);
  const unchanged = await deploys.deploy(root);
  rows.push({
    measure: "the same, unchanged: to the end of the upload",
    bound: BOUNDS.uploadUnchanged,
    measured: describe(unchanged),
    ok: unchanged.sentMs < BOUNDS.uploadUnchanged.limit.ms && unchanged.sentBytes === 0,
  });
  const rounds: { readonly changed: Deployed; readonly other: Others }[] = [];
  for (let round = 0; round < count; round++) {
    // A change for each: the engine would answer the second build of the same content from its cache.
    const changed = await afterChange(() => deploys.deploy(root));
    rounds.push({ changed, other: await afterChange(() => others(root)) });
  }
  // Each beside its own reference: the machine may be busier in one round than in another.
  const behind = ({ changed, other }: typeof rounds[number]): number => changed.imageMs - other.dockerMs;
  const [median] = rounds.toSorted((a, b) => behind(a) - behind(b)).slice(Math.floor(count / 2));
  if (median === undefined) return rows;
  const { changed, other } = median;
  const { extraMs, bytes } = BOUNDS.uploadChange.limit;
  rows.push({
    measure: "the same, one small change, median",
    bound: BOUNDS.uploadChange,
    measured: describe(changed, other),
    ok: changed.imageMs <= other.dockerMs + extraMs && changed.sentBytes < bytes,
  });
  return rows;
}

interface Others {
  readonly dockerMs: number;
  readonly archive: { readonly ms: number; readonly bytes: number };
}

async function others(root: string): Promise<Others> {
  return { dockerMs: await dockerBuildMs(root), archive: await tarAndCurl(root) };
}

function describe({ sentMs, sentBytes, imageMs, processorMs }: Deployed, others?: Others): string {
  const [sent, image, processor] = [sentMs, imageMs, processorMs].map(seconds);
  const ours = `sent ${
    megabytes(sentBytes)
  } after ${sent}, image after ${image}, ${processor} of processor time`;
  if (others === undefined) return ours;
  const { dockerMs, archive } = others;
  return `${ours} (docker build: ${seconds(dockerMs)}; tar -cz and curl: ${seconds(archive.ms)}, ${
    megabytes(archive.bytes)
  })`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const DOCKERFILE = `FROM ${BASE_IMAGE}\nCOPY . /app\nCMD exec httpd -f -p $PORT -h /app\n`;

async function manyFiles(directory: string): Promise<Subject> {
  const root = `${directory}/many`;
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${root}/Dockerfile`, DOCKERFILE);
  for (let folder = 0; folder < FOLDERS; folder++) {
    const path = `${root}/src/module${folder}`;
    await Deno.mkdir(path, { recursive: true });
    for (let file = 0; file < FILES_PER_FOLDER; file++) {
      const lines = Array.from(
        { length: 10 + (folder + file) % 60 },
        (_, line) =>
          `export const value${line} = compute(${(folder * 7_919 + file * 104_729 + line * 31) % 1e6});\n`,
      );
      Deno.writeTextFileSync(`${path}/file${file}.ts`, lines.join(""));
    }
  }
  const change = (): Promise<void> =>
    Deno.writeTextFile(`${root}/src/module7/file7.ts`, `${crypto.randomUUID()}\n`);
  return { name: `${(FOLDERS * FILES_PER_FOLDER).toLocaleString("en")} files`, root, rounds: 3, change };
}

/** Random bytes, and a byte in the middle that changes. */
async function largeFile(directory: string): Promise<Subject> {
  const root = `${directory}/large`;
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${root}/Dockerfile`, DOCKERFILE);
  const path = `${root}/data.bin`;
  await using file = await Deno.open(path, { write: true, create: true });
  for (let written = 0; written < LARGE_BYTES;) {
    written += await file.write(crypto.getRandomValues(new Uint8Array(50_000)));
  }
  const change = async (): Promise<void> => {
    await using file = await Deno.open(path, { read: true, write: true });
    const byte = new Uint8Array(1);
    await file.seek(LARGE_BYTES / 2, Deno.SeekMode.Start);
    await file.read(byte);
    await file.seek(LARGE_BYTES / 2, Deno.SeekMode.Start);
    await file.write(byte.map((value) => value + 1));
  };
  return { name: `a file of ${LARGE_BYTES / 1e6} MB`, root, rounds: 3, change };
}

if (import.meta.main) {
  report(await benchUpload());
  Deno.exit();
}
