import { run } from "../compiling/run.ts";
import { commonFiles } from "./archives.ts";
import type { ReleaseFacts } from "./facts.ts";

/** Folders in which Debian looks for the completions of a command. */
const COMPLETIONS: Readonly<Record<string, string>> = {
  "completions/unkey.bash": "usr/share/bash-completion/completions/unkey",
  "completions/unkey.zsh": "usr/share/zsh/vendor-completions/_unkey",
  "completions/unkey.fish": "usr/share/fish/vendor_completions.d/unkey.fish",
};

export interface DebianPackage {
  readonly folder: string;
  readonly executable: string;
  /** E.g. `amd64`. */
  readonly architecture: string;
  readonly facts: ReleaseFacts;
}

/** Writes a package for Debian and Ubuntu. @throws where `dpkg-deb` is missing */
export async function writeDebianPackage(
  { folder, executable, architecture, facts }: DebianPackage,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "unkey-deb-" });
  try {
    await Deno.chmod(root, 0o755);
    await put(`${root}/usr/bin/unkey`, await Deno.readFile(executable), 0o755);
    for (const { name, content } of await commonFiles()) {
      const path = COMPLETIONS[name] ?? `usr/share/doc/unkey/${name === "LICENSE" ? "copyright" : name}`;
      await put(`${root}/${path}`, content, 0o644);
    }
    const control = controlOf(facts.version, architecture, (await Deno.stat(executable)).size);
    await put(`${root}/DEBIAN/control`, new TextEncoder().encode(control), 0o644);
    const path = `${folder}/unkey_${facts.version}_${architecture}.deb`;
    const env = { SOURCE_DATE_EPOCH: String(facts.commitSeconds) };
    // zstd is what Ubuntu has, gzip what every dpkg reads.
    const { ok, stderr } = await run(
      "dpkg-deb",
      ["-Zgzip", "--root-owner-group", "--build", root, path],
      env,
    );
    if (!ok) throw new Error(`dpkg-deb failed: ${stderr}`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function controlOf(version: string, architecture: string, bytes: number): string {
  return `Package: unkey
Version: ${version}
Architecture: ${architecture}
Maintainer: The unkey authors
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: libc6 (>= 2.27), libgcc-s1
Section: devel
Priority: optional
Description: deploy platform in one program
 A folder with a Dockerfile becomes a URL that serves it. A new version takes
 over without a failed request, and a broken one never does.
`;
}

async function put(path: string, content: Uint8Array, mode: number): Promise<void> {
  await Deno.mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true, mode: 0o755 });
  await Deno.writeFile(path, content, { mode });
}
