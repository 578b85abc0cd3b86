import { packTar } from "modern-tar";
import { type Engine, inspectImage } from "../docker/mod.ts";
import { runCommand } from "./commands.ts";
import { importImage } from "./images.ts";

/** The image that tests build from and run: a shell and the usual tools, without a registry. */
export const BASE_IMAGE = "unkey-test/busybox:latest";

/** Imports `/bin/busybox` of this machine (Debian package busybox-static) as `BASE_IMAGE`, unless it is there. */
export async function ensureBaseImage(engine: Engine, signal: AbortSignal): Promise<string> {
  if (await inspectImage(engine, BASE_IMAGE, signal) !== undefined) return BASE_IMAGE;
  const tar = await baseImageTar();
  await importImage(engine, { tar, reference: BASE_IMAGE, changes: ["ENV PATH=/bin", 'CMD ["sh"]'] }, signal);
  return BASE_IMAGE;
}

/** The base image's files as a tar: `/bin/busybox` of this machine, its links, `/tmp` and `/etc/passwd`. */
export async function baseImageTar(): Promise<Uint8Array> {
  const body = await Deno.readFile("/bin/busybox");
  const passwd = "root:x:0:0:root:/:/bin/sh\n";
  const directory = { type: "directory", mode: 0o755, size: 0 } as const;
  return await packTar([
    { header: { ...directory, name: "bin/" } },
    { header: { ...directory, name: "tmp/", mode: 0o1777 } },
    { header: { ...directory, name: "etc/" } },
    { header: { name: "etc/passwd", size: passwd.length, mode: 0o644 }, body: passwd },
    { header: { name: "bin/busybox", size: body.length, mode: 0o755 }, body },
    ...(await applets()).map((name) => ({
      header: { type: "symlink" as const, name: `bin/${name}`, linkname: "busybox", size: 0, mode: 0o777 },
    })),
  ]);
}

/** All of them, as in `busybox:stable`: a test must not depend on which of the two images it was given. */
async function applets(): Promise<readonly string[]> {
  const names = (await runCommand("/bin/busybox", "--list")).trim().split("\n");
  return names.filter((name) => name !== "busybox");
}

/** True when a Docker Engine answers here; tests that need one are skipped otherwise. */
export async function engineAnswers(): Promise<boolean> {
  try {
    using socket = await Deno.connect({ transport: "unix", path: "/var/run/docker.sock" });
    return socket !== undefined;
  } catch {
    return false;
  }
}
