// deno-lint-ignore-file no-console -- a script whose output is for a person
/**
 * Builds the image that runs as any part of the platform, sentinels among them.
 *
 *   deno task image [TAG]     default: unkey:latest
 *
 * `dist/unkey` is taken as it is when no source is newer, and compiled otherwise. Where the base image of `dev/Dockerfile`
 * cannot be pulled, a base is made of this machine's own C library, which is the one that the executable was tried with.
 */
import { dirname } from "node:path/posix";
import { run } from "./bed/part.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const EXECUTABLE = `${ROOT}dist/unkey`;
const SOURCES = [
  "main.ts",
  "deno.json",
  "deno.lock",
  "dev/compile.ts",
  "dev/compiling",
  "dev/v8_flags.ts",
  "cmd",
  "svc",
  "pkg",
  "proto/gen",
];
const BASE = "gcr.io/distroless/cc-debian12:nonroot";
const LOCAL_BASE = "unkey-base:local";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const USER_LINE = "nonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n";
const GROUP_LINE = "nonroot:x:65532:\n";

/** Builds the image and gives it this name. */
export async function buildImage(tag: string): Promise<void> {
  const executable = await freshExecutable();
  const base = await isThere(BASE) ? BASE : await localBase(executable);
  await inFolder(async (folder) => {
    // A copy: the next compilation removes the file.
    await Deno.copyFile(executable, `${folder}/unkey`);
    await Deno.chmod(`${folder}/unkey`, 0o755);
    const dockerfile = `${ROOT}dev/Dockerfile`;
    const args = ["--build-arg", `BASE=${base}`, "--file", dockerfile, "--tag", tag, folder];
    await run("docker", ["build", "--quiet", ...args]);
  });
}

/** `dist/unkey`, compiled now unless it is newer than every source. */
export async function freshExecutable(): Promise<string> {
  const built = await modifiedMs(EXECUTABLE);
  const newest = Math.max(...await Promise.all(SOURCES.map((each) => newestMs(`${ROOT}${each}`))));
  if (built < newest) await run(Deno.execPath(), ["run", "-A", `${ROOT}dev/compile.ts`]);
  if (await modifiedMs(EXECUTABLE) === 0) {
    throw new Error("There is no runtime to compile an executable with here: `deno task compile` says why.");
  }
  return EXECUTABLE;
}

async function modifiedMs(path: string): Promise<number> {
  return (await Deno.stat(path).catch(() => undefined))?.mtime?.getTime() ?? 0;
}

async function newestMs(path: string): Promise<number> {
  if ((await Deno.stat(path)).isFile) return await modifiedMs(path);
  const entries = await Array.fromAsync(Deno.readDir(path));
  const own = entries.filter(({ name }) => !name.endsWith("_test.ts"));
  return Math.max(0, ...await Promise.all(own.map(({ name }) => newestMs(`${path}/${name}`))));
}

async function isThere(image: string): Promise<boolean> {
  const has = (args: readonly string[]): Promise<boolean> =>
    run("docker", args).then(() => true, () => false);
  return await has(["image", "inspect", image]) || await has(["pull", "--quiet", image]);
}

/** An image with what the executable loads, a user, and the certificates that this machine trusts. */
async function localBase(executable: string): Promise<string> {
  await inFolder(async (folder) => {
    const put = async (path: string): Promise<void> => {
      await Deno.mkdir(`${folder}/root${dirname(path)}`, { recursive: true });
      await Deno.copyFile(path, `${folder}/root${path}`);
    };
    for (const path of await libraries(executable)) await put(path);
    if (await modifiedMs(CERTIFICATES) > 0) await put(CERTIFICATES);
    for (const name of ["etc", "tmp"]) await Deno.mkdir(`${folder}/root/${name}`, { recursive: true });
    await Deno.chmod(`${folder}/root/tmp`, 0o1777);
    await Deno.writeTextFile(`${folder}/root/etc/passwd`, USER_LINE);
    await Deno.writeTextFile(`${folder}/root/etc/group`, GROUP_LINE);
    await Deno.writeTextFile(`${folder}/Dockerfile`, "FROM scratch\nCOPY root/ /\n");
    await run("docker", ["build", "--quiet", "--tag", LOCAL_BASE, folder]);
  });
  return LOCAL_BASE;
}

/** The files that the dynamic loader needs for a program, itself included. */
export async function libraries(program: string): Promise<string[]> {
  const listed = await run("ldd", [program]);
  return [...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, path]) =>
    path === undefined ? [] : [path]
  );
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-image-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const tag = Deno.args[0] ?? "unkey:latest";
  await buildImage(tag);
  console.log(tag);
}
