import type { Target } from "../../pkg/release/mod.ts";
import { run } from "./run.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** A way to compile: the compiler, the runtime it takes, and the file it starts from. */
export interface Toolchain {
  readonly name: string;
  readonly deno: string;
  readonly env: Readonly<Record<string, string>>;
  readonly entry: string;
  /** Its runtime is too old for builds (`pkg/build/runtime.ts`). */
  readonly cannotBuild?: boolean;
}

/** The first lines of every executable: it trusts the machine's certificates, too, unless `DENO_TLS_CA_STORE` is set. */
const TRUST =
  `if (!Deno.env.get("DENO_TLS_CA_STORE")) Deno.env.set("DENO_TLS_CA_STORE", "system,mozilla");\n`;

/**
 * The toolchains to try for a target, the best one first: with the runtime that DENORT_BIN names, else the one that Deno
 * downloads, else the older one that `dev/parts/denort.sh` gets for Linux. Reasons for missing ones go to `report`.
 */
export async function* toolchainsFor(
  target: Target,
  bundle: string,
  report: (reason: string) => void,
): AsyncGenerator<Toolchain> {
  const own = { deno: Deno.execPath(), entry: await writeEntry(`${bundle}/main_compiled.js`, TRUST) };
  const given = Deno.env.get("DENORT_BIN");
  if (given !== undefined) return yield { ...own, name: given, env: {} };
  yield { ...own, name: `denort ${Deno.version.deno}`, env: {} };
  const { ok, stdout, stderr } = await run("sh", ["dev/parts/denort.sh", target.name]);
  if (!ok) return report(stderr.trim());
  const folder = stdout.trim();
  const shim = await Deno.readTextFile(`${ROOT}dev/parts/deno_2_6_shim.js`);
  yield {
    name: folder,
    deno: `${folder}/deno`,
    env: { DENORT_BIN: `${folder}/denort-${target.name}` },
    entry: await writeEntry(`${bundle}/main_shimmed.js`, `${shim}\n${TRUST}`),
    cannotBuild: true,
  };
}

async function writeEntry(path: string, preamble: string): Promise<string> {
  await Deno.writeTextFile(path, `${preamble}\nawait import("./main.js");\n`);
  return path;
}
