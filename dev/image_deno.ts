/** The runtime of a bundle in an image: this machine's own, or another architecture's from npm. */
import { homedir } from "node:os";
import { run } from "./bed/part.ts";

/** An architecture as images name it. */
export type Architecture = "amd64" | "arm64";

/** The architecture of this machine. */
export const OWN_ARCHITECTURE: Architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
const NPM_NAMES: Readonly<Record<Architecture, string>> = { amd64: "x64", arm64: "arm64" };

/** The program of this version for an architecture. Another one's is downloaded once, and kept outside the checkout. */
export async function denoFor(architecture: Architecture): Promise<string> {
  if (architecture === OWN_ARCHITECTURE) return Deno.execPath();
  const cache = Deno.env.get("UNKEY_DEV_CACHE") ??
    `${Deno.env.get("XDG_CACHE_HOME") ?? `${homedir()}/.cache`}/unkey-dev`;
  const program = `${cache}/deno-${Deno.version.deno}-linux-${architecture}`;
  if (await Deno.stat(program).then(() => true, () => false)) return program;
  await Deno.mkdir(cache, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: cache, prefix: ".deno-" });
  try {
    const name = `@deno/linux-${NPM_NAMES[architecture]}-glibc@${Deno.version.deno}`;
    await run("npm", ["pack", "--silent", "--pack-destination", folder, name]);
    const [archive] = (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name);
    await run("tar", ["-xzf", `${folder}/${archive}`, "-C", folder, "package/deno"]);
    await Deno.chmod(`${folder}/package/deno`, 0o755);
    // The rename is atomic, so two of these at once end with one whole file.
    await Deno.rename(`${folder}/package/deno`, program);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return program;
}
