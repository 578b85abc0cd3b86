import { gunzipSync } from "node:zlib";
import { type ParsedTarEntryWithData, unpackTar } from "modern-tar";
import { z } from "zod";
import type { Engine } from "../../pkg/docker/mod.ts";

/** An image as the engine tells it. */
export interface ImageFacts {
  /** Digests of the layers' archives: the same digest means the same bytes of everything that a layer keeps. */
  readonly layers: readonly string[];
  /** Settings that its containers run with. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly architecture: string;
  readonly os: string;
}

/** One step of an image's history without its time. */
export interface HistoryStep {
  readonly createdBy: string;
  readonly comment: string;
  readonly emptyLayer: boolean;
}

const IMAGE_MS = 60_000;

const Inspected = z.object({
  RootFS: z.object({ Layers: z.array(z.string()).nullish() }),
  Config: z.record(z.string(), z.unknown()).nullish(),
  Architecture: z.string(),
  Os: z.string(),
});
const Manifests = z.tuple([z.object({ Config: z.string(), Layers: z.array(z.string()) })]);
const Config = z.object({
  history: z.array(z.object({
    created_by: z.string().default(""),
    comment: z.string().default(""),
    empty_layer: z.boolean().default(false),
  })),
});

export async function imageFacts(engine: Engine, image: string): Promise<ImageFacts> {
  const signal = AbortSignal.timeout(IMAGE_MS);
  const response = await engine.call({ method: "GET", path: `/images/${image}/json`, signal });
  const { RootFS, Config, Architecture, Os } = Inspected.parse(await response.json());
  return { layers: RootFS.Layers ?? [], config: Config ?? {}, architecture: Architecture, os: Os };
}

/** An image as `docker save` writes it. */
export interface SavedImage {
  /** The entries of each layer, from the first one on. */
  readonly layers: readonly (readonly ParsedTarEntryWithData[])[];
  readonly history: readonly HistoryStep[];
}

export async function saveImage(engine: Engine, image: string): Promise<SavedImage> {
  const signal = AbortSignal.timeout(IMAGE_MS);
  const response = await engine.call({ method: "GET", path: `/images/${image}/get`, signal });
  const entries = await unpackTar(new Uint8Array(await response.arrayBuffer()));
  const links = new Map(entries.map(({ header }) => [header.name, header]));
  const files = new Map(entries.map(({ header, data }) => [header.name, data]));
  const read = (name: string): Uint8Array => {
    // A layer that an image has twice is written once, and is a link from then on.
    const header = links.get(name);
    const at = header?.type === "symlink"
      ? new URL(header.linkname ?? "", `file:///${name}`).pathname.slice(1)
      : name;
    const data = files.get(at);
    if (data === undefined) throw new Error(`The saved image ${image} has no "${name}"`);
    return data[0] === 0x1f && data[1] === 0x8b ? gunzipSync(data) : data;
  };
  const json = (name: string): unknown => JSON.parse(new TextDecoder().decode(read(name)));
  const [manifest] = Manifests.parse(json("manifest.json"));
  const { history } = Config.parse(json(manifest.Config));
  return {
    layers: await Promise.all(manifest.Layers.map((name) => unpackTar(read(name)))),
    history: history.map(({ created_by, comment, empty_layer }) => ({
      createdBy: created_by,
      comment,
      emptyLayer: empty_layer,
    })),
  };
}
