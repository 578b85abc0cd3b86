import { describeError } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { headManifest } from "./manifests.ts";
import { parseReference } from "./reference.ts";
import { addressFor, credentialsFor, type Registry } from "./registry.ts";

/** `unknown`: the registry did not tell within a few seconds. */
export type ManifestState = "present" | "missing" | "unknown";

const FIND_MS_MAX = 5_000;

/** Asks the registry, with its credentials, whether it still has the image. Images of other registries are not asked for. */
export function createManifestFinder(
  { registry, log }: { readonly registry: Registry; readonly log: Logger },
): (image: string, signal: AbortSignal) => Promise<ManifestState> {
  const trusted = new Set([registry.name.split("/")[0] ?? ""]);
  return async (image, signal) => {
    if (!image.startsWith(`${registry.name}/`)) return "unknown";
    try {
      const reference = parseReference(image);
      const answer = await headManifest(reference, {
        trusted,
        credentials: credentialsFor(registry, image),
        ...addressFor(registry, reference.host),
        signal: AbortSignal.any([signal, AbortSignal.timeout(FIND_MS_MAX)]),
      });
      if (answer?.status === 200) return "present";
      if (answer?.status === 404) return "missing";
      log.info("image not found out about", { image, status: answer?.status ?? 401 });
    } catch (error) {
      signal.throwIfAborted();
      log.info("image not found out about", { image, error: describeError(error) });
    }
    return "unknown";
  };
}
