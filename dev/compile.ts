// deno-lint-ignore-file no-console -- a script whose output is for a person
/**
 * Builds `dist/bundle/` and executables, where a runtime for them is to be had (`dev/compiling/toolchains.ts`).
 *
 *   deno task compile                        bundle, and dist/unkey for this machine
 *   deno task compile --bundle               bundle only
 *   deno task compile --target darwin-arm64  bundle, and dist/unkey-darwin-arm64; `all` for every target
 *
 * Without --target it exits 0 when there is no runtime for this machine, and says so; with it, each target that cannot be
 * built is named with the reason, and the exit code is 1.
 */
import { parseArgs } from "node:util";
import { type Target, targetNamed, TARGETS } from "../pkg/release/mod.ts";
import { bundle } from "./compiling/bundle.ts";
import { compileFor } from "./compiling/executable.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const BUNDLE = `${ROOT}dist/bundle`;

const { values } = parseArgs({
  args: Deno.args,
  options: { bundle: { type: "boolean" }, target: { type: "string", multiple: true } },
});
const targets = (values.target ?? []).flatMap(targetsNamed);
const startMs = performance.now();
const elapsed = (): string => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;

await bundle(BUNDLE);
await report(BUNDLE, `bundled in ${elapsed()}`);
if (values.bundle !== true) Deno.exitCode = await compileAll();

async function compileAll(): Promise<number> {
  if (targets.length > 0) {
    const built = [];
    for (const target of targets) built.push(await compileOne(target, `${ROOT}dist/unkey-${target.name}`));
    return built.every(Boolean) ? 0 : 1;
  }
  const here = TARGETS.find(({ os, arch }) => os === Deno.build.os && arch === Deno.build.arch);
  const done = here !== undefined && await compileOne(here, `${ROOT}dist/unkey`);
  if (!done) console.log("no executable: there is no runtime for it here; the bundle runs with deno run -A");
  return 0;
}

async function compileOne(target: Target, path: string): Promise<boolean> {
  await Deno.remove(path).catch(() => undefined); // of an earlier run, which a failure must not leave
  const compiled = await compileFor(target, BUNDLE, path);
  if (compiled.kind === "impossible") {
    console.error(`${target.name} cannot be compiled here:`);
    for (const reason of compiled.reasons) console.error(`  ${reason}`);
    return false;
  }
  await report(compiled.path, `compiled with ${compiled.with.name} after ${elapsed()}`);
  if (compiled.with.cannotBuild) {
    console.error(
      "this executable deploys images, and cannot build folders: its runtime is too old for that",
    );
  }
  return true;
}

function targetsNamed(name: string): readonly Target[] {
  if (name === "all") return TARGETS;
  const target = targetNamed(name);
  if (target !== undefined) return [target];
  console.error(
    `There is no target "${name}"; there are all, ${TARGETS.map((each) => each.name).join(", ")}.`,
  );
  Deno.exit(2);
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
