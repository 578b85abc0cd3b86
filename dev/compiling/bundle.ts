import { buildDashboard } from "./dashboard.ts";
import { run } from "./run.ts";

/**
 * Bundles the program into a folder, where it begins in `main.js`, with the files of the dashboard beside it. Lazy commands stay apart, so that `unkey --help` reads none of their code.
 *
 * @param buildInfo the facts that a release writes beside the program
 */
export async function bundle(folder: string, buildInfo?: string): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => undefined);
  const flags = ["--platform", "deno", "--code-splitting", "--minify", "--outdir", folder];
  const { ok, stderr } = await run(Deno.execPath(), ["bundle", "--quiet", ...flags, "main.ts"]);
  if (!ok) throw new Error(`deno bundle failed:\n${stderr}`);
  await buildDashboard(`${folder}/dashboard`);
  if (buildInfo !== undefined) await Deno.writeTextFile(`${folder}/build_info.json`, buildInfo);
}
