import { built, run } from "../part.ts";
import type { FindProgram } from "./control_plane.ts";
import { PAUSE_IMAGE, Places } from "./settings.ts";

interface Image {
  readonly name: string;
  /** A folder with the image's files. */
  readonly root: string;
  readonly config: Readonly<Record<string, unknown>>;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const BUSYBOX = "/bin/busybox";
const OCI = "application/vnd.oci.image";

/** Gives the node the images that no registry has: the pause image, and the tests' base image. */
export async function importImages(folder: string, program: FindProgram): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "unkey-images-" });
  try {
    for (const image of [await pauseImage(work), await busyboxImage(work)]) {
      const archive = await pack(image, `${work}/layout`);
      const { containerdSocket } = new Places(folder);
      const options = ["--address", containerdSocket, "--namespace", "k8s.io"];
      await run(program("ctr"), [...options, "images", "import", "--local", archive]);
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function pauseImage(work: string): Promise<Image> {
  const root = `${work}/pause`;
  await Deno.mkdir(root);
  await Deno.copyFile(await built("pause"), `${root}/pause`);
  return { name: PAUSE_IMAGE, root, config: { Entrypoint: ["/pause"] } };
}

/** The image that a Dockerfile's `FROM busybox:stable` means, made from Debian's busybox-static. */
async function busyboxImage(work: string): Promise<Image> {
  const root = `${work}/busybox`;
  for (const folder of ["bin", "etc", "tmp"]) await Deno.mkdir(`${root}/${folder}`, { recursive: true });
  await Deno.copyFile(BUSYBOX, `${root}/bin/busybox`);
  for (const applet of (await run(BUSYBOX, ["--list"])).trim().split("\n")) {
    if (applet !== "busybox") await Deno.symlink("busybox", `${root}/bin/${applet}`);
  }
  await Deno.writeTextFile(`${root}/etc/passwd`, "root:x:0:0:root:/:/bin/sh\n");
  return {
    name: "docker.io/library/busybox:stable",
    root,
    config: { Cmd: ["sh"], Env: ["PATH=/bin"] },
  };
}

/** Makes an archive in OCI layout; answers with its path. */
async function pack({ name, root, config }: Image, layout: string): Promise<string> {
  await Deno.remove(layout, { recursive: true }).catch(() => undefined);
  await Deno.mkdir(`${layout}/blobs/sha256`, { recursive: true });
  const tar = `${layout}.layer.tar`;
  await run("tar", ["-C", root, "--owner=0", "--group=0", "-cf", tar, "."]);
  const layer = await blob(layout, `${OCI}.layer.v1.tar`, await Deno.readFile(tar));
  const architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";
  const rootfs = { type: "layers", diff_ids: [layer.digest] };
  const imageConfig = await blob(layout, `${OCI}.config.v1+json`, {
    architecture,
    os: "linux",
    config,
    rootfs,
  });
  const manifest = await blob(layout, `${OCI}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: imageConfig,
    layers: [layer],
  });
  const annotations = { "io.containerd.image.name": name };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  await Deno.writeTextFile(`${layout}/index.json`, JSON.stringify(index));
  await Deno.writeTextFile(`${layout}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  const archive = `${layout}.tar`;
  await run("tar", ["-C", layout, "-cf", archive, "."]);
  return archive;
}

async function blob(layout: string, mediaType: string, content: Uint8Array | object): Promise<Blob> {
  const bytes = content instanceof Uint8Array
    ? new Uint8Array(content)
    : new TextEncoder().encode(JSON.stringify(content));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  await Deno.writeFile(`${layout}/blobs/sha256/${hash}`, bytes);
  return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
}
