import { walkFiles } from "./walk_files.ts";
import type { BuildInfo } from "../../pkg/release/mod.ts";
import { V8_FLAGS } from "../v8_flags.ts";
import { tarGz } from "./archives.ts";
import type { ReleaseFacts } from "./facts.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/**
 * Writes the package for npm: the bundle, and a launcher that runs it with the Deno of npm's own package, so that
 * `npx unkey` works on every system that Deno has.
 */
export async function writeNpmPackage(
  folder: string,
  bundle: string,
  info: BuildInfo,
  facts: ReleaseFacts,
): Promise<void> {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const launcher = (await Deno.readTextFile(`${ROOT}dev/release/launcher.js`)).replace("V8_FLAGS", V8_FLAGS);
  const description = {
    name: "unkey",
    version: facts.version,
    description: "A deploy platform in one program: a folder with a Dockerfile becomes a URL that serves it.",
    license: "Apache-2.0",
    type: "module",
    bin: { unkey: "launcher.js" },
    engines: { node: ">=18" },
    dependencies: { deno: Deno.version.deno },
  };
  const files = [
    { name: "package/package.json", content: encode(`${JSON.stringify(description, undefined, 2)}\n`) },
    { name: "package/launcher.js", content: encode(launcher), executable: true },
    { name: "package/LICENSE", content: await Deno.readFile(`${ROOT}LICENSE`) },
    { name: "package/README.md", content: await Deno.readFile(`${ROOT}README.md`) },
  ];
  for (const path of await walkFiles(bundle)) {
    // The entries of executables, and the facts of the archives.
    if (/^main_|^build_info/.test(path)) continue;
    files.push({ name: `package/bundle/${path}`, content: await Deno.readFile(`${bundle}/${path}`) });
  }
  const own = JSON.stringify({ ...info, packaging: "npm" });
  files.push({ name: "package/bundle/build_info.json", content: encode(own) });
  await Deno.writeFile(`${folder}/unkey-${facts.version}-npm.tgz`, await tarGz(files, facts.commitSeconds));
}
