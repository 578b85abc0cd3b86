/** From a folder to an image, beside `docker build` of the same on the same engine. */
import { packContext } from "../../pkg/testkit/context_archive/pack.ts";
import { type Builder, openArchive } from "../../pkg/build/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { openEngine, removeImage } from "../../pkg/docker/mod.ts";
import { BASE_IMAGE, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import { engineBuilder } from "../integration/builders.ts";
import { BOUNDS } from "./bounds.ts";
import { quantile, report, type Row } from "./row.ts";

const FOLDERS = 400;
const FILES_PER_FOLDER = 50;
const ROUNDS = 7;
const LIMIT_MS = 600_000;
/** The client that has BuildKit built in; another one may want a plugin. */
const DOCKER = await Deno.stat("/usr/bin/docker").then(() => "/usr/bin/docker", () => "docker");

interface Bench {
  readonly root: string;
  readonly base: string;
  readonly builder: Builder;
  /** Makes the next build differ from all before, also from those of the other side. */
  readonly edit: () => Promise<void>;
}

/** Measures both contexts, each with an edit between two builds. */
export async function benchBuild(): Promise<Row[]> {
  const base = await Deno.makeTempDir({ prefix: "unkey-bench-build-" });
  const engine = openEngine();
  const made: string[] = [];
  try {
    await ensureBaseImage(engine, AbortSignal.timeout(LIMIT_MS));
    const inner = engineBuilder(engine);
    const builder: Builder = {
      async build(request) {
        const outcome = await inner.build(request);
        if (outcome.kind === "built") made.push(outcome.image);
        return outcome;
      },
    };
    const hello = `${base}/hello`;
    await writeHello(hello);
    const large = `${base}/large`;
    await writeLarge(large);
    return [
      ...await compare("examples/hello", {
        root: hello,
        base,
        builder,
        edit: () => Deno.writeTextFile(`${hello}/www/index.html`, unique()),
      }),
      ...await compare(`${(FOLDERS * FILES_PER_FOLDER).toLocaleString("en")} files, one of them edited`, {
        root: large,
        base,
        builder,
        edit: () => Deno.writeTextFile(`${large}/src/module7/file7.ts`, unique()),
      }),
    ];
  } finally {
    for (const image of made) {
      await removeImage(engine, image, AbortSignal.timeout(LIMIT_MS)).catch(() => undefined);
    }
    await new Deno.Command(DOCKER, { args: ["rmi", "--force", TAG], stdout: "null", stderr: "null" })
      .output();
    engine.close();
    await Deno.remove(base, { recursive: true });
  }
}

const unique = (): string => `${crypto.randomUUID()}\n`;
const TAG = "unkey-bench-build:reference";

async function compare(name: string, bench: Bench): Promise<Row[]> {
  const [packs, builds, references]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round <= ROUNDS; round++) {
    await bench.edit();
    const { packMs, buildMs } = await buildOurs(bench);
    await bench.edit();
    const referenceMs = await timed(() => buildReference(bench));
    // The first round fills both caches.
    if (round === 0) continue;
    packs.push(packMs);
    builds.push(buildMs);
    references.push(referenceMs);
  }
  const [packMs, buildMs, referenceMs] = [packs, builds, references].map((each) => quantile(each, 0.5));
  if (packMs === undefined || buildMs === undefined || referenceMs === undefined) return [];
  const row = (measure: string, oursMs: number): Row => ({
    measure,
    bound: BOUNDS.build,
    measured: `${oursMs.toFixed(0)} ms (docker build: ${referenceMs.toFixed(0)} ms)`,
    ok: oursMs <= referenceMs * BOUNDS.build.limit.factor + BOUNDS.build.limit.extraMs,
  });
  return [row(`archive to image: ${name}`, buildMs), row("the same, with packing", packMs + buildMs)];
}

interface Timed {
  /** From the folder to an archive. */
  readonly packMs: number;
  /** From the archive to an image, as a worker does it. */
  readonly buildMs: number;
}

async function buildOurs({ root, base, builder }: Bench): Promise<Timed> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const begunMs = performance.now();
  await using packed = await packContext({
    root,
    dockerfile: { file: `${root}/Dockerfile`, name: "Dockerfile" },
    cacheDirectory: `${base}/cache`,
    temporaryDirectory: `${base}/tmp`,
    nowMs: systemClock().now(),
    signal,
  });
  const packedMs = performance.now();
  const archive = await Deno.open(packed.path);
  await using context = await openArchive(archive.readable, {
    temporaryDirectory: base,
    bytesMax: 2 ** 31,
    entriesMax: 100_000,
    signal,
  });
  const outcome = await builder.build({
    context,
    dockerfile: { path: "Dockerfile", content: await Deno.readFile(`${root}/Dockerfile`) },
    image: "unkey.local/bench/build:ours",
    labels: {},
    options: { arguments: {}, noCache: false, pull: false },
    secrets: () => Promise.resolve(undefined),
    credentials: () => Promise.resolve(undefined),
    projectId: root,
    contextKey: `${root}${context.stampDigest}`,
    cacheNamespace: "bench",
    signal,
    onEvent: () => undefined,
  });
  if (outcome.kind !== "built") throw new Error(outcome.message);
  return { packMs: packedMs - begunMs, buildMs: performance.now() - packedMs };
}

async function buildReference({ root }: Bench): Promise<void> {
  const { success, stderr } = await new Deno.Command(DOCKER, {
    args: ["build", "--quiet", "--tag", TAG, root],
    env: { DOCKER_BUILDKIT: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

async function writeHello(root: string): Promise<void> {
  await Deno.mkdir(`${root}/www`, { recursive: true });
  const dockerfile = await Deno.readTextFile("examples/hello/Dockerfile");
  await Deno.writeTextFile(`${root}/Dockerfile`, dockerfile.replace(/^FROM .*$/m, `FROM ${BASE_IMAGE}`));
}

async function writeLarge(root: string): Promise<void> {
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${root}/Dockerfile`, `FROM ${BASE_IMAGE}\nCOPY . /app\n`);
  for (let folder = 0; folder < FOLDERS; folder++) {
    const path = `${root}/src/module${folder}`;
    await Deno.mkdir(path, { recursive: true });
    for (let file = 0; file < FILES_PER_FOLDER; file++) {
      Deno.writeTextFileSync(
        `${path}/file${file}.ts`,
        `export const value = ${folder * 1_000 + file};\n`.repeat(20),
      );
    }
  }
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

if (import.meta.main) report(await benchBuild());
