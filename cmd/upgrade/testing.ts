/** A server with releases, as a publisher makes them, and a program that they replace. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { packTar } from "modern-tar";
import { dispatch } from "../../pkg/cli/mod.ts";
import { newKeyPair, sign, TARGETS } from "../../pkg/release/mod.ts";
import { testProcess } from "../../pkg/testkit/process.ts";
import { ROOT } from "../root.ts";
import { temporaryFolder } from "../shared/testing.ts";

const KEYS = newKeyPair();

/** The facts of a program of these releases; the place of the releases is given by a setting. */
export const BUILD_INFO = JSON.stringify({
  url: "https://releases.invalid",
  publicKey: KEYS.publicKey,
  packaging: "archive",
  commit: "0123",
});

/** A program that prints this version, and nothing else. */
export function programOf(version: string): string {
  return `#!/bin/sh\necho '{"version":"${version}","os":"linux"}'\n`;
}

/** The files of a release whose program is a text. */
export async function releaseFiles(version: string, program: string): Promise<Map<string, Uint8Array>> {
  const tar = await packTar([{
    header: { name: "unkey", size: program.length, mode: 0o755 },
    body: program,
  }]);
  const files = new Map<string, Uint8Array>();
  for (const { name } of TARGETS) {
    files.set(`unkey-${version}-${name}.tar.gz`, new Uint8Array(gzipSync(tar)));
  }
  const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  const sums = [...files].map(([name, bytes]) => `${hash(bytes)}  ${name}\n`).join("");
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  return files.set("SHA256SUMS", encode(sums)).set("SHA256SUMS.sig", encode(sign(sums, KEYS.privateKey)));
}

/** The releases of a server by their paths; a test changes them. */
export interface Releases extends AsyncDisposable {
  readonly url: string;
  /** By path, e.g. `latest/download/SHA256SUMS`. */
  readonly files: Map<string, Uint8Array>;
  publish(version: string, program?: string): Promise<void>;
}

export function startReleases(): Releases {
  const files = new Map<string, Uint8Array>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, ({ url }) => {
    const bytes = files.get(new URL(url).pathname.slice(1));
    return bytes === undefined ? new Response(null, { status: 404 }) : new Response(new Uint8Array(bytes));
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    files,
    async publish(version, program = programOf(version)): Promise<void> {
      for (const [name, bytes] of await releaseFiles(version, program)) {
        files.set(`latest/download/${name}`, bytes).set(`download/v${version}/${name}`, bytes);
      }
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

export interface Upgraded {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The program's text afterwards. */
  readonly program: string;
  /** The names in its folder. */
  readonly names: readonly string[];
}

/** The program before an upgrade. */
export const FORMER = programOf("0.1.0");

/** Runs `unkey upgrade` as a program in a folder of its own. */
export async function upgrade(
  releases: Releases,
  args: readonly string[] = [],
  { packaging = "archive", built = true, place = "unkey" } = {},
): Promise<Upgraded> {
  await using folder = await temporaryFolder();
  const executable = join(folder.path, place);
  await Deno.mkdir(join(executable, ".."), { recursive: true });
  await Deno.writeTextFile(executable, FORMER, { mode: 0o755 });
  const info = { url: releases.url, publicKey: KEYS.publicKey, packaging, commit: "0123" };
  await using process = await testProcess({
    args: ["upgrade", ...args.map((arg) => arg.replace("FOLDER", folder.path))],
    executable,
    ...(built ? { buildInfo: JSON.stringify(info) } : {}),
  });
  const code = await dispatch(ROOT, process);
  const entries = await Array.fromAsync(Deno.readDir(folder.path));
  const names = entries.map(({ name }) => name).toSorted();
  return { code, ...process.printed, program: await Deno.readTextFile(executable), names };
}
