import { gzipSync } from "node:zlib";
import { packTar, type TarEntry } from "modern-tar";
import { completionScript, SHELLS } from "../../pkg/cli/completions/mod.ts";
import { archiveName, type Target } from "../../pkg/release/mod.ts";
import { ROOT as COMMANDS } from "../../cmd/root.ts";
import type { ReleaseFacts } from "./facts.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

export interface ArchivedFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly executable?: boolean;
}

/** License, changelog and completions, which every package has. */
export async function commonFiles(): Promise<readonly ArchivedFile[]> {
  const texts = await Promise.all(["LICENSE", "CHANGELOG.md"].map(async (name) => ({
    name,
    content: await Deno.readFile(`${ROOT}${name}`),
  })));
  const scripts = await Promise.all(SHELLS.map(async (shell) => ({
    name: `completions/unkey.${shell}`,
    content: new TextEncoder().encode(await completionScript(shell, "unkey", COMMANDS)),
  })));
  return [...texts, ...scripts];
}

/** Compressed with gzip. The same files at the same time give the same bytes. */
export async function tarGz(files: readonly ArchivedFile[], seconds: number): Promise<Uint8Array> {
  const entries = files.map(({ name, content, executable }): TarEntry => ({
    header: {
      name,
      size: content.length,
      mode: executable === true ? 0o755 : 0o644,
      mtime: new Date(seconds * 1000),
      uid: 0,
      gid: 0,
      uname: "root",
      gname: "root",
    },
    body: content,
  }));
  return gzipSync(await packTar(entries), { level: 9 });
}

/** Writes the archive of a target's executable to a folder. */
export async function writeArchive(
  folder: string,
  target: Target,
  executable: string,
  facts: ReleaseFacts,
): Promise<void> {
  const name = target.os === "windows" ? "unkey.exe" : "unkey";
  const program = { name, content: await Deno.readFile(executable), executable: true };
  const archive = await tarGz([program, ...await commonFiles()], facts.commitSeconds);
  await Deno.writeFile(`${folder}/${archiveName(facts.version, target)}`, archive);
}
