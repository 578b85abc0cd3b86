/** A base image made of this machine's own C library, for machines that cannot pull one. */
import { dirname } from "node:path/posix";
import { run } from "./bed/part.ts";

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const BUSYBOX = "/bin/busybox";
const USER_LINE = "nonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n";
const GROUP_LINE = "nonroot:x:65532:\n";

/** An image that a script needs a shell in. */
export interface LocalBase {
  readonly name: string;
  /** The libraries of these are in it. */
  readonly programs: readonly string[];
  readonly shell: boolean;
}

/** Builds an image with what the programs load, a user, and the certificates that this machine trusts. */
export async function buildLocalBase({ name, programs, shell }: LocalBase): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-base-" });
  try {
    const root = `${folder}/root`;
    for (const program of programs) await copyLibraries(program, root);
    if (await isThere(CERTIFICATES)) await copyInto(root, CERTIFICATES);
    if (shell) {
      await copyInto(root, BUSYBOX);
      await Deno.symlink("busybox", `${root}/bin/sh`);
    }
    for (const each of ["etc", "tmp"]) await Deno.mkdir(`${root}/${each}`, { recursive: true });
    await Deno.chmod(`${root}/tmp`, 0o1777);
    await Deno.writeTextFile(`${root}/etc/passwd`, USER_LINE);
    await Deno.writeTextFile(`${root}/etc/group`, GROUP_LINE);
    await Deno.writeTextFile(`${folder}/Dockerfile`, "FROM scratch\nCOPY root/ /\n");
    await run("docker", ["build", "--quiet", "--tag", name, folder]);
    return name;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Copies the files that the dynamic loader needs for a program, itself included. */
export async function copyLibraries(program: string, root: string): Promise<void> {
  for (const path of await libraries(program)) await copyInto(root, path);
}

/** The files that the dynamic loader needs for a program, itself included. */
export async function libraries(program: string): Promise<string[]> {
  const listed = await run("ldd", [program]);
  return [...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, path]) =>
    path === undefined ? [] : [path]
  );
}

/** Copies a file of this machine to the same path below `root`. */
export async function copyInto(root: string, path: string): Promise<void> {
  await Deno.mkdir(`${root}${dirname(path)}`, { recursive: true });
  await Deno.copyFile(path, `${root}${path}`);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}
