// deno-lint-ignore-file no-console -- a script whose output is for a person
/**
 * Builds `dist/bundle/` and, where a runtime for it is to be had, the executable `dist/unkey` for this machine.
 *
 *   deno task compile             bundle and executable
 *   deno task compile --bundle    bundle only
 *
 * The runtime is the one that DENORT_BIN names, else the one that Deno downloads, else the one that
 * `dev/parts/denort.sh` gets. Exits 0 without an executable when there is none of them, and says so.
 */
import { V8_FLAGS } from "./v8_flags.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const BUNDLE = `${ROOT}dist/bundle`;
const EXECUTABLE = `${ROOT}dist/unkey`;

/** A way to compile: the compiler, the runtime it takes, and the file it starts from. */
interface Toolchain {
  readonly name: string;
  readonly deno: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entry: string;
  /** Its runtime is too old for builds (`pkg/build/runtime.ts`). */
  readonly cannotBuild?: boolean;
}

async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly ok: boolean; readonly stdout: string; readonly stderr: string }> {
  const command = new Deno.Command(program, { args: [...args], cwd: ROOT, env, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  return { ok: success, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Lazy commands stay apart, so that `unkey --help` reads none of their code. */
async function bundle(): Promise<void> {
  await Deno.remove(`${ROOT}dist`, { recursive: true }).catch(() => undefined);
  const flags = ["--platform", "deno", "--code-splitting", "--minify", "--outdir", BUNDLE];
  const { ok, stderr } = await run(Deno.execPath(), ["bundle", "--quiet", ...flags, "main.ts"]);
  if (!ok) throw new Error(`deno bundle failed:\n${stderr}`);
}

/** The first lines of every executable: it trusts the machine's certificates too, unless told otherwise. */
const TRUST =
  `if (!Deno.env.get("DENO_TLS_CA_STORE")) Deno.env.set("DENO_TLS_CA_STORE", "system,mozilla");\n`;

async function writeEntry(name: string, preamble: string): Promise<string> {
  const path = `${BUNDLE}/${name}`;
  await Deno.writeTextFile(path, `${preamble}\nawait import("./main.js");\n`);
  return path;
}

async function* toolchains(): AsyncGenerator<Toolchain> {
  const own = { deno: Deno.execPath(), entry: await writeEntry("main_compiled.js", TRUST) };
  const given = Deno.env.get("DENORT_BIN");
  if (given !== undefined) return yield { ...own, name: given, env: {} };
  yield { ...own, name: `denort ${Deno.version.deno}`, env: {} };
  const { ok, stdout, stderr } = await run("sh", ["dev/parts/denort.sh"]);
  if (!ok) return console.error(stderr.trim());
  const folder = stdout.trim();
  const shim = await Deno.readTextFile(`${ROOT}dev/parts/deno_2_6_shim.js`);
  const entry = await writeEntry("main_shimmed.js", `${shim}\n${TRUST}`);
  yield {
    name: folder,
    deno: `${folder}/deno`,
    env: { DENORT_BIN: `${folder}/denort` },
    entry,
    cannotBuild: true,
  };
}

async function compile({ deno, env, entry }: Toolchain): Promise<string | undefined> {
  const flags = [
    "--quiet",
    "--no-check",
    "--allow-all",
    "--no-config",
    "--no-lock",
    "--node-modules-dir=none",
    `--v8-flags=${V8_FLAGS}`,
  ];
  const { ok, stderr } = await run(
    deno,
    ["compile", ...flags, "--unstable-no-legacy-abort", "--include", BUNDLE, "--output", EXECUTABLE, entry],
    // The runtime's download, too, may come through a company's certificate authority.
    { DENO_TLS_CA_STORE: "system,mozilla", DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...env },
  );
  return ok ? undefined : stderr.trim();
}

async function sizeOf(path: string): Promise<number> {
  const info = await Deno.stat(path);
  if (info.isFile) return info.size;
  const sizes = await Promise.all(
    (await Array.fromAsync(Deno.readDir(path))).map((entry) => sizeOf(`${path}/${entry.name}`)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function report(path: string, more: string): Promise<void> {
  const size = ((await sizeOf(path)) / 1e6).toFixed(1);
  console.log(`${path.slice(ROOT.length)}  ${size} MB  ${more}`);
}

const startMs = performance.now();
const elapsed = (): string => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
await bundle();
await report(BUNDLE, `bundled in ${elapsed()}`);
if (!Deno.args.includes("--bundle")) {
  let done = false;
  for await (const toolchain of toolchains()) {
    const problem = await compile(toolchain);
    if (problem === undefined) {
      done = true;
      await report(EXECUTABLE, `compiled with ${toolchain.name} after ${elapsed()}`);
      if (toolchain.cannotBuild) {
        console.error(
          "this executable deploys images, and cannot build folders: its runtime is too old for that",
        );
      }
      break;
    }
    console.error(`not with ${toolchain.name}: ${problem.replaceAll(/\s+/g, " ")}`);
  }
  if (!done) console.log("no executable: there is no runtime for it here; the bundle runs with deno run -A");
}
