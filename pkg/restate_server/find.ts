import { join } from "node:path";
import type { Clock } from "../clock/mod.ts";
import { Fault, publicFault } from "../fault/mod.ts";
import type { DownloadProgress } from "../download/mod.ts";
import { download } from "./download.ts";
import { type Release, releaseFor, RESTATE_VERSION, tarballUrl } from "./release.ts";

/** Where to look, and how to report. */
export interface FindOptions {
  readonly env: (name: string) => string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called when a download begins and as it goes on; never when the binary is found. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** The system to look for; this machine's by default. */
  readonly platform?: { readonly os: string; readonly arch: string };
  /** The release to download; the pinned one by default. */
  readonly release?: Release;
}

/** A binary of the right version. */
export interface FoundServer {
  readonly path: string;
  readonly from: "path" | "cache" | "download";
}

/**
 * The server's binary: from `PATH`, else from the cache folder, else from the npm registry into the cache folder.
 *
 * @throws `failed_precondition` when there is none and none can be had, `unavailable` when the registry does not answer
 */
export async function findRestateServer(options: FindOptions): Promise<FoundServer> {
  const here = await locateRestateServer(options);
  if (here !== undefined) return here;
  const { url, release } = await restateDownload(options);
  const { clock, signal, onProgress } = options;
  const path = restateServerCachePath(options.env);
  await download({ url, release, path, clock, signal, onProgress });
  return { path, from: "download" };
}

/** The binary that is on this machine already, if any. */
export async function locateRestateServer(
  options: Pick<FindOptions, "env" | "signal">,
): Promise<FoundServer | undefined> {
  const onPath = await findOnPath(options);
  if (onPath !== undefined) return { path: onPath, from: "path" };
  const cached = restateServerCachePath(options.env);
  return await isFile(cached) ? { path: cached, from: "cache" } : undefined;
}

/**
 * The source of the binary's download.
 *
 * @throws `failed_precondition` for a system that has none
 */
export async function restateDownload(
  options: Pick<FindOptions, "env" | "signal" | "platform" | "release">,
): Promise<{ readonly url: string; readonly release: Release }> {
  const { os, arch } = options.platform ?? Deno.build;
  const release = options.release ?? releaseFor(os, arch);
  if (release === undefined) {
    throw publicFault(
      "failed_precondition",
      `Restate has no server for ${os} on ${arch}. Run the platform on Linux or macOS, x64 or arm64.`,
    );
  }
  return { url: tarballUrl(await registryUrl(options), release), release };
}

/** Where a downloaded binary is kept: shared by all data folders of a user. */
export function restateServerCachePath(env: (name: string) => string | undefined): string {
  const cache = env("XDG_CACHE_HOME") || join(env("HOME") || ".", ".cache");
  return join(cache, "unkey", "restate-server", RESTATE_VERSION, "restate-server");
}

/**
 * A native binary of the right version on `PATH`. The npm package's own `restate-server` is a script that would survive
 * as a second process and leave the server behind when it is killed, so scripts do not count.
 */
async function findOnPath({ env, signal }: Pick<FindOptions, "env" | "signal">): Promise<string | undefined> {
  for (const path of await onPath("restate-server", env)) {
    if (!(await isNative(path))) continue;
    if (await outputOf(path, ["--version"], signal) === `restate-server ${RESTATE_VERSION}`) return path;
  }
  return undefined;
}

/** The files called `program` in the folders of `PATH`, in order. */
async function onPath(program: string, env: FindOptions["env"]): Promise<string[]> {
  const folders = (env("PATH") ?? "").split(":").filter((folder) => folder !== "");
  const paths = folders.map((folder) => join(folder, program));
  const found = await Promise.all(paths.map(isFile));
  return paths.filter((_path, index) => found[index]);
}

async function registryUrl({ env, signal }: Pick<FindOptions, "env" | "signal">): Promise<string> {
  const [npm] = await onPath("npm", env);
  const set = env("NPM_CONFIG_REGISTRY") || env("npm_config_registry") ||
    (npm && await outputOf(npm, ["config", "get", "registry"], signal));
  if (set !== undefined && /^https?:\/\//.test(set)) return set;
  throw publicFault(
    "failed_precondition",
    `Restate's server is not installed, and there is no npm registry to get it from. ` +
      `Install npm, or set NPM_CONFIG_REGISTRY to the URL of your npm registry, ` +
      `or put the binary restate-server ${RESTATE_VERSION} on PATH.`,
  );
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

async function isNative(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    const start = new Uint8Array(2);
    const read = await file.read(start);
    return read === 2 && !(start[0] === 0x23 && start[1] === 0x21);
  } catch {
    return false; // what cannot be read cannot be run
  }
}

const OUTPUT_MS_MAX = 10_000;

/** The trimmed output of a short program, or `undefined` when it is missing or fails. */
async function outputOf(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const command = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.any([signal, AbortSignal.timeout(OUTPUT_MS_MAX)]),
    });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    if (signal.aborted) throw new Fault("cancelled", `Gave up while running ${program}`);
    return undefined;
  }
}
