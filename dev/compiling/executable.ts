import type { Target } from "../../pkg/release/mod.ts";
import { V8_FLAGS } from "../v8_flags.ts";
import { run } from "./run.ts";
import { type Toolchain, toolchainsFor } from "./toolchains.ts";

export type Compiled =
  | { readonly kind: "compiled"; readonly path: string; readonly with: Toolchain }
  /** One reason for each way that was tried. */
  | { readonly kind: "impossible"; readonly reasons: readonly string[] };

/** Compiles a bundle for a system, to `path` without the extension that Windows wants. */
export async function compileFor(target: Target, bundle: string, path: string): Promise<Compiled> {
  const output = target.os === "windows" ? `${path}.exe` : path;
  const reasons: string[] = [];
  for await (const toolchain of toolchainsFor(target, bundle, (reason) => reasons.push(reason))) {
    const problem = await compile(toolchain, target, { bundle, output });
    if (problem === undefined) return { kind: "compiled", path: output, with: toolchain };
    reasons.push(`not with ${toolchain.name}: ${problem.replaceAll(/\s+/g, " ")}`);
  }
  return { kind: "impossible", reasons };
}

/** The reason why it failed. */
async function compile(
  { deno, env, entry }: Toolchain,
  { triple }: Target,
  { bundle, output }: { readonly bundle: string; readonly output: string },
): Promise<string | undefined> {
  const flags = [
    "--quiet",
    "--no-check",
    "--allow-all",
    "--no-config",
    "--no-lock",
    "--node-modules-dir=none",
    `--v8-flags=${V8_FLAGS}`,
    "--unstable-no-legacy-abort",
  ];
  const { ok, stderr } = await run(
    deno,
    ["compile", ...flags, "--target", triple, "--include", bundle, "--output", output, entry],
    // The runtime's download, too, may come through a company's certificate authority.
    { DENO_TLS_CA_STORE: "system,mozilla", DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...env },
  );
  return ok ? undefined : stderr.split("Stack backtrace")[0]?.trim();
}
