import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { baseImageTar } from "./base_image.ts";
import { PARTS_CACHE } from "./commands.ts";
import type { TestRegistry } from "./registry.ts";

const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** Additions to a base image. */
export interface BaseImageOptions {
  /** More of the image's configuration, such as `{ Env: […], User: "app", OnBuild: […] }`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** A second layer, as a tar. */
  readonly layer?: Uint8Array;
}

/**
 * Puts a base image made from `/bin/busybox` of this machine into a registry, without any engine.
 * `reference` is `repository:tag`, e.g. `library/busybox:stable`. Answers with the manifest's digest.
 */
export async function pushBaseImage(
  registry: TestRegistry,
  reference: string,
  options: BaseImageOptions = {},
): Promise<string> {
  const at = reference.lastIndexOf(":");
  const repository = reference.slice(0, at);
  const tars = [await baseImageTar(), ...options.layer === undefined ? [] : [options.layer]];
  const layers = tars.map((tar) => gzipSync(tar));
  const config = bytes({
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    os: "linux",
    created: "2024-01-01T00:00:00Z",
    config: { Env: ["PATH=/bin"], Cmd: ["sh"], ...options.config },
    rootfs: { type: "layers", diff_ids: tars.map(digest) },
    history: tars.map(() => ({ created: "2024-01-01T00:00:00Z", created_by: "unkey testbed" })),
  });
  for (const blob of [config, ...layers]) await upload(registry, repository, blob);
  const manifest = bytes({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: CONFIG, size: config.length, digest: digest(config) },
    layers: layers.map((layer) => ({ mediaType: LAYER, size: layer.length, digest: digest(layer) })),
  });
  const response = await registry.fetch(`/v2/${repository}/manifests/${reference.slice(at + 1)}`, {
    method: "PUT",
    headers: { "content-type": MANIFEST },
    body: manifest,
  });
  await ended(response, `putting the manifest of "${reference}"`);
  return digest(manifest);
}

const FRONTEND = `${PARTS_CACHE}/bin/dockerfile-frontend-0.34.0`;

/** True when `dev/parts/buildkit.sh` has built the Dockerfile frontend. */
export async function hasFrontend(): Promise<boolean> {
  return await Deno.stat(FRONTEND).then(() => true, () => false);
}

/** Puts BuildKit's Dockerfile frontend into a registry, as an image that `# syntax=` can name. */
export async function pushFrontend(registry: TestRegistry, reference: string): Promise<string> {
  const body = await Deno.readFile(FRONTEND);
  const layer = await packTar([{
    header: { name: "bin/dockerfile-frontend", size: body.length, mode: 0o755 },
    body,
  }]);
  const config = {
    Entrypoint: ["/bin/dockerfile-frontend"],
    Cmd: null,
    Labels: {
      "moby.buildkit.frontend.network.none": "true",
      "moby.buildkit.frontend.caps":
        "moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts",
    },
  };
  return await pushBaseImage(registry, reference, { config, layer });
}

async function upload(
  registry: TestRegistry,
  repository: string,
  blob: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const begun = await registry.fetch(`/v2/${repository}/blobs/uploads/`, { method: "POST" });
  const location = begun.headers.get("location") ?? "";
  await ended(begun, `beginning an upload to "${repository}"`);
  const { pathname, searchParams } = new URL(location);
  searchParams.set("digest", digest(blob));
  const response = await registry.fetch(`${pathname}?${searchParams}`, {
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: blob,
  });
  await ended(response, `uploading to "${repository}"`);
}

async function ended(response: Response, label: string): Promise<void> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${label}: ${response.status} ${text}`);
}

function digest(value: Uint8Array): string {
  return `sha256:${createHash("sha256").update(value).digest("hex")}`;
}

function bytes(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}
