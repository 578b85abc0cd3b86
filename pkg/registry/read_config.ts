import { describeError, isFault } from "../fault/mod.ts";
import { sha256Hex } from "../hash/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { z } from "zod";
import { IMAGE_CONFIG, type ImageConfig } from "./image_config.ts";
import { Manifest, MANIFEST_TYPES, manifestPath } from "./manifests.ts";
import { parseReference, type Reference } from "./reference.ts";
import { addressFor, credentialsFor, type Registry } from "./registry.ts";
import { type Inquiry, openRepository, type Repository } from "./repository.ts";
import { trustedFrom } from "./resolve.ts";

export interface ConfigReaderOptions {
  /** Asked with its credentials, and trusted. */
  readonly registry: Registry | undefined;
  /** Hosts with port that may be private and may speak plain HTTP. */
  readonly trustedHosts: readonly string[];
  readonly log: Logger;
}

/** Reads the configuration of an image; `undefined` where the registry does not tell within a few seconds. */
export type ConfigReader = (image: string, signal: AbortSignal) => Promise<ImageConfig | undefined>;

const READ_MS_MAX = 8_000;
/** The OCI distribution specification lets registries refuse larger manifests. */
const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;
const CONFIG_BYTES_MAX = 1024 * 1024;
const Blob = z.object({ config: IMAGE_CONFIG });

/** A reader over the OCI distribution API. Of an image for several platforms it reads that for Linux on amd64, or else the first. */
export function createConfigReader({ registry, trustedHosts, log }: ConfigReaderOptions): ConfigReader {
  const own = registry?.name.split("/")[0];
  const trusted = new Set([...trustedHosts, ...(own === undefined ? [] : [own])]);
  return async (image, signal) => {
    const reference = parseReference(image);
    const inquiry: Inquiry = {
      trusted: trustedFrom(reference.host, trusted),
      credentials: credentialsFor(registry, image),
      ...addressFor(registry, reference.host),
      signal: AbortSignal.any([signal, AbortSignal.timeout(READ_MS_MAX)]),
    };
    try {
      return await readConfig(reference, openRepository(reference, inquiry));
    } catch (error) {
      signal.throwIfAborted();
      const answered = isFault(error) || error instanceof SyntaxError || error instanceof z.ZodError;
      if (!answered && !inquiry.signal.aborted) throw error;
      log.info("configuration of image not read", { image, error: describeError(error) });
      return undefined;
    }
  };
}

async function readConfig(reference: Reference, repository: Repository): Promise<ImageConfig | undefined> {
  const first = await readManifest(reference, repository);
  const inIndex = first?.manifests ?? [];
  const chosen =
    inIndex.find(({ platform }) => platform?.os === "linux" && platform.architecture === "amd64") ??
      inIndex.find(({ platform }) => platform?.os !== "unknown");
  const manifest = chosen === undefined
    ? first
    : await readManifest({ ...reference, digest: chosen.digest }, repository);
  const digest = manifest?.config?.digest;
  if (digest === undefined) return undefined;
  const answer = await repository.ask({ method: "GET", path: `blobs/${digest}`, bytesMax: CONFIG_BYTES_MAX });
  if (answer?.status !== 200 || `sha256:${sha256Hex(answer.body)}` !== digest) return undefined;
  return Blob.parse(JSON.parse(answer.body)).config;
}

async function readManifest(
  reference: Pick<Reference, "tag" | "digest">,
  repository: Repository,
): Promise<z.infer<typeof Manifest> | undefined> {
  const answer = await repository.ask({
    method: "GET",
    path: manifestPath(reference),
    accept: MANIFEST_TYPES,
    bytesMax: MANIFEST_BYTES_MAX,
  });
  return answer?.status === 200 ? Manifest.parse(JSON.parse(answer.body)) : undefined;
}
