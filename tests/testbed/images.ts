/** Images for the cluster, made of programs of this machine: no registry with the real ones is reached from here. */
import { dirname } from "node:path/posix";
import { buildImage } from "../../dev/image.ts";
import { libraries } from "../../dev/image_base.ts";
import { run } from "../../dev/bed/part.ts";
import type { Cluster } from "./cluster.ts";

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

interface Contents {
  /** Programs of this machine, by their place in the image. They bring the libraries that they load. */
  readonly copies: Readonly<Record<string, string>>;
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

/** The platform's image, in the form that can build on any machine, in the cluster's registry. */
export async function pushPlatformImage(cluster: Cluster): Promise<string> {
  const tag = `${cluster.registry}/test/unkey:${crypto.randomUUID().slice(0, 8)}`;
  await buildImage(tag, { bundle: true });
  await run("docker", ["push", "--quiet", tag]);
  await run("docker", ["rmi", tag]);
  return tag;
}

async function fill(root: string, { copies }: Contents): Promise<void> {
  const put = async (from: string, to: string): Promise<void> => {
    await Deno.mkdir(`${root}${dirname(to)}`, { recursive: true });
    await run("cp", ["-L", from, `${root}${to}`]);
  };
  for (const [to, from] of Object.entries(copies)) {
    await put(from, to);
    for (const each of await loaded(from)) await put(each, each);
  }
  await put(CERTIFICATES, CERTIFICATES);
  await Deno.mkdir(`${root}/tmp`, { recursive: true });
  await Deno.chmod(`${root}/tmp`, 0o1777);
}

/** A program that is linked statically loads nothing, which `ldd` calls an error. */
function loaded(program: string): Promise<string[]> {
  return libraries(program).catch(() => []);
}
