import { type Engine, inspectImage } from "../../../../pkg/docker/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { ManifestState } from "../../../../pkg/registry/mod.ts";

/** Looks whether an image is still where builds leave it; answers within seconds. */
export type ImagePresence = (image: string, signal: AbortSignal) => Promise<ManifestState>;

const INSPECT_MS_MAX = 5_000;

/** The images that stay in the engine that built them. */
export function presenceInEngine(engine: Engine, log: Logger): ImagePresence {
  return async (image, signal) => {
    try {
      const found = await inspectImage(
        engine,
        image,
        AbortSignal.any([signal, AbortSignal.timeout(INSPECT_MS_MAX)]),
      );
      return found === undefined ? "missing" : "present";
    } catch (error) {
      signal.throwIfAborted();
      log.info("image not found out about", { image, error: describeError(error) });
      return "unknown";
    }
  };
}
