/** Images for the cluster, made of programs of this machine: no registry with the real ones is reached from here. */
import { dirname } from "node:path/posix";
import { freshExecutable } from "../../dev/image.ts";
import { libraries } from "../../dev/image_base.ts";
import { run } from "../../dev/bed/part.ts";
import { V8_FLAGS } from "../../dev/v8_flags.ts";
import type { Cluster } from "./cluster.ts";

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const BUSYBOX = "/bin/busybox";
const RUNTIME = "/usr/local/bin/deno";
const BUNDLE = "/opt/unkey";

interface Contents {
  /** Files and folders of this machine, by their place in the image. Programs bring the libraries that they load. */
  readonly copies: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
}

/** Builds an image, pushes it to the cluster's registry, and answers with its name. */
export async function pushImage(cluster: Cluster, name: string, contents: Contents): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-image-" });
  const tag = `${cluster.registry}/test/${name}:${crypto.randomUUID().slice(0, 8)}`;
  try {
    await fill(`${folder}/root`, contents);
    const lines = ["FROM scratch", "COPY root/ /", "USER 65532:65532", "WORKDIR /tmp"];
    await Deno.writeTextFile(
      `${folder}/Dockerfile`,
      [...lines, `ENTRYPOINT ${JSON.stringify(contents.entrypoint)}`, ""].join("\n"),
    );
    await run("docker", ["build", "--quiet", "--tag", tag, folder]);
    await run("docker", ["push", "--quiet", tag]);
    await run("docker", ["rmi", tag]);
    return tag;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * The platform's image. It runs the bundle on this Deno: where the only runtime for executables is an older one, an
 * executable cannot build (dev/compile.ts).
 */
export async function pushPlatformImage(cluster: Cluster): Promise<string> {
  const bundle = `${dirname(await freshExecutable())}/bundle`;
  const flags = [
    "run",
    "-A",
    "--quiet",
    "--no-config",
    "--unstable-no-legacy-abort",
    `--v8-flags=${V8_FLAGS}`,
  ];
  const command = [RUNTIME, ...flags, `${BUNDLE}/main_compiled.js`].join(" ");
  return await pushImage(cluster, "unkey", {
    copies: { [RUNTIME]: Deno.execPath(), [BUNDLE]: bundle, "/bin/busybox": BUSYBOX },
    scripts: { "/usr/local/bin/unkey": `#!/bin/busybox sh\nDENO_DIR=/tmp/deno exec ${command} "$@"\n` },
    entrypoint: ["/usr/local/bin/unkey"],
  });
}

async function fill(root: string, { copies, scripts = {} }: Contents): Promise<void> {
  const put = async (from: string, to: string): Promise<void> => {
    await Deno.mkdir(`${root}${dirname(to)}`, { recursive: true });
    await run("cp", ["-rL", from, `${root}${to}`]);
  };
  for (const [to, from] of Object.entries(copies)) {
    await put(from, to);
    if ((await Deno.stat(from)).isFile) { for (const each of await loaded(from)) await put(each, each); }
  }
  for (const [to, text] of Object.entries(scripts)) {
    await Deno.mkdir(`${root}${dirname(to)}`, { recursive: true });
    await Deno.writeTextFile(`${root}${to}`, text, { mode: 0o755 });
  }
  await put(CERTIFICATES, CERTIFICATES);
  await Deno.mkdir(`${root}/tmp`, { recursive: true });
  await Deno.chmod(`${root}/tmp`, 0o1777);
}

/** A program that is linked statically loads nothing, which `ldd` calls an error. */
function loaded(program: string): Promise<string[]> {
  return libraries(program).catch(() => []);
}
