// deno-lint-ignore-file no-console -- a script whose output is for a person
/**
 * Builds the image that runs as any part of the platform, sentinels among them.
 *
 *   deno task image [TAG]             default: unkey:latest
 *   deno task image --bundle [TAG]    with Deno and the bundle instead of the executable
 *   deno task image --bundle --platform linux/amd64,linux/arm64 --push TAG
 *                                     for both architectures, into a registry; or into an OCI archive: --output FILE
 *
 * `dist/unkey` is taken as it is when no source is newer, and compiled otherwise. Where no runtime that builds folders can be
 * downloaded to compile with, an image for `ctrl worker` needs `--bundle`. Where the base image cannot be pulled, a base is
 * made of this machine's own C library, which is the one that the program was tried with.
 */
import { parseArgs } from "node:util";
import { run } from "./bed/part.ts";
import { buildLocalBase } from "./image_base.ts";
import { type Architecture, denoFor, OWN_ARCHITECTURE } from "./image_deno.ts";
import { V8_FLAGS } from "./v8_flags.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const EXECUTABLE = `${ROOT}dist/unkey`;
const SOURCES = [
  "main.ts",
  "deno.json",
  "deno.lock",
  "dev/compile.ts",
  "dev/compiling",
  "dev/v8_flags.ts",
  "cmd",
  "svc",
  "pkg",
  "proto/gen",
];
/** The program in the image: the executable, or Deno with the bundle. */
interface Form {
  readonly base: string;
  readonly localBase: string;
  /** A file whose libraries a base has to have. */
  readonly program: () => Promise<string>;
  /** Puts the program of an architecture below a folder. */
  readonly put: (root: string, architecture: Architecture) => Promise<void>;
  readonly shell: boolean;
}

const FORMS: Readonly<Record<"executable" | "bundle", Form>> = {
  executable: {
    base: "gcr.io/distroless/cc-debian12:nonroot",
    localBase: "unkey-base:local",
    program: freshExecutable,
    put: putExecutable,
    shell: false,
  },
  bundle: {
    base: "debian:bookworm-slim",
    localBase: "unkey-shell-base:local",
    program: () => Promise.resolve(Deno.execPath()),
    put: putBundle,
    shell: true,
  },
};

/** Builds the image for this machine and gives it this name. */
export async function buildImage(tag: string, { bundle = false } = {}): Promise<void> {
  const { base, localBase, program, shell, put } = FORMS[bundle ? "bundle" : "executable"];
  const programs = [await program()];
  const from = await isThere(base) ? base : await buildLocalBase({ name: localBase, programs, shell });
  await inContext([OWN_ARCHITECTURE], put, async (folder) => {
    const flags = [...await argumentFlags(from), "--build-arg", `TARGETARCH=${OWN_ARCHITECTURE}`];
    await run("docker", ["build", "--quiet", ...flags, "--tag", tag, folder]);
  });
}

/** Builds one image for several architectures. Nothing runs in it meanwhile, so that this machine's need not be among them. */
export async function buildForPlatforms(tag: string, request: {
  readonly architectures: readonly Architecture[];
  /** Default: the public one, which has both. */
  readonly base?: string | undefined;
  /** An OCI archive; otherwise the image goes to its registry. */
  readonly output?: string | undefined;
}): Promise<void> {
  const { architectures, base = FORMS.bundle.base, output } = request;
  await inContext(architectures, putBundle, async (folder) => {
    const platforms = architectures.map((each) => `linux/${each}`).join(",");
    const destination = output === undefined ? ["--push"] : ["--output", `type=oci,dest=${output}`];
    const flags = [...await argumentFlags(base), "--platform", platforms, ...destination];
    await run("docker", ["buildx", "build", "--quiet", ...flags, "--tag", tag, folder]);
  });
}

async function argumentFlags(base: string): Promise<readonly string[]> {
  const args = { BASE: base, VERSION: await version(), REVISION: await revision() };
  const flags = Object.entries(args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
  return [...flags, "--file", `${ROOT}dev/Dockerfile`];
}

/** A build context with the program of each architecture, for as long as `work` takes. */
async function inContext(
  architectures: readonly Architecture[],
  put: Form["put"],
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-image-" });
  try {
    for (const each of architectures) await put(`${folder}/${each}`, each);
    await Deno.mkdir(`${folder}/data`);
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function putExecutable(root: string): Promise<void> {
  await Deno.mkdir(`${root}/usr/local/bin`, { recursive: true });
  // A copy: the next compilation removes the file.
  await Deno.copyFile(EXECUTABLE, `${root}/usr/local/bin/unkey`);
  await Deno.chmod(`${root}/usr/local/bin/unkey`, 0o755);
}

/** The bundle in a folder of its own, since `dist/` is a place for one process at a time. */
async function putBundle(root: string, architecture: Architecture): Promise<void> {
  const [bin, lib] = [`${root}/usr/local/bin`, `${root}/usr/local/lib/unkey`];
  for (const folder of [bin, lib]) await Deno.mkdir(folder, { recursive: true });
  const flags = ["--platform", "deno", "--code-splitting", "--minify", "--outdir", lib];
  await run(Deno.execPath(), ["bundle", "--quiet", ...flags, `${ROOT}main.ts`]);
  await Deno.copyFile(await denoFor(architecture), `${bin}/deno`);
  await Deno.chmod(`${bin}/deno`, 0o755);
  const environment = "DENO_DIR=/tmp/deno DENO_NO_UPDATE_CHECK=1 DENO_TLS_CA_STORE=system,mozilla";
  const runs = `deno run -A --quiet --no-config --unstable-no-legacy-abort --v8-flags=${V8_FLAGS}`;
  const call = `/usr/local/bin/${runs} /usr/local/lib/unkey/main.js "$@"`;
  await Deno.writeTextFile(`${bin}/unkey`, `#!/bin/sh\nexport ${environment}\nexec ${call}\n`, {
    mode: 0o755,
  });
}

/** `dist/unkey`, compiled now unless it is newer than every source. */
async function freshExecutable(): Promise<string> {
  const built = await modifiedMs(EXECUTABLE);
  const newest = Math.max(...await Promise.all(SOURCES.map((each) => newestMs(`${ROOT}${each}`))));
  if (built < newest) await run(Deno.execPath(), ["run", "-A", `${ROOT}dev/compile.ts`]);
  if (await modifiedMs(EXECUTABLE) === 0) {
    throw new Error("There is no runtime to compile an executable with here: `deno task compile` says why.");
  }
  return EXECUTABLE;
}

async function version(): Promise<string> {
  const { version: text }: { version?: string } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  return text ?? "unknown";
}

async function revision(): Promise<string> {
  return await run("git", ["-C", ROOT, "rev-parse", "HEAD"]).then((text) => text.trim(), () => "unknown");
}

async function modifiedMs(path: string): Promise<number> {
  return (await Deno.stat(path).catch(() => undefined))?.mtime?.getTime() ?? 0;
}

async function newestMs(path: string): Promise<number> {
  if ((await Deno.stat(path)).isFile) return await modifiedMs(path);
  const entries = await Array.fromAsync(Deno.readDir(path));
  const own = entries.filter(({ name }) => !name.endsWith("_test.ts"));
  return Math.max(0, ...await Promise.all(own.map(({ name }) => newestMs(`${path}/${name}`))));
}

async function isThere(image: string): Promise<boolean> {
  const has = (args: readonly string[]): Promise<boolean> =>
    run("docker", args).then(() => true, () => false);
  return await has(["image", "inspect", image]) || await has(["pull", "--quiet", image]);
}

if (import.meta.main) {
  const { values: { bundle, platform, base, output, push }, positionals: [tag = "unkey:latest"] } = parseArgs(
    {
      args: Deno.args,
      allowPositionals: true,
      options: {
        bundle: { type: "boolean", default: false },
        platform: { type: "string" },
        base: { type: "string" },
        output: { type: "string" },
        push: { type: "boolean", default: false },
      },
    },
  );
  if (platform === undefined) await buildImage(tag, { bundle });
  else {await buildForPlatforms(tag, {
      architectures: architecturesOf(platform, { bundle, push, output }),
      base,
      output,
    });}
  console.log(tag);
}

/** The architectures of `--platform`; throws where the other flags do not go with it. */
function architecturesOf(
  platform: string,
  { bundle, push, output }: { bundle: boolean; push: boolean; output: string | undefined },
): readonly Architecture[] {
  if (!bundle) {
    throw new Error("--platform goes with --bundle: an executable is compiled for this machine only");
  }
  if (push === (output !== undefined)) throw new Error("--platform goes with either --push or --output FILE");
  return platform.split(",").map((each) => {
    if (each === "linux/amd64") return "amd64";
    if (each === "linux/arm64") return "arm64";
    throw new Error(`--platform takes linux/amd64 and linux/arm64, and no "${each}"`);
  });
}
