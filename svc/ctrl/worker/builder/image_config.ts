import { type Engine, readImageConfig } from "../../../../pkg/docker/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { ConfigReader } from "../../../../pkg/registry/mod.ts";

const INSPECT_MS_MAX = 5_000;

/** Asks the engine first, which has what it has built, and `others` for what it does not have. */
export function configInEngine(engine: Engine, others: ConfigReader, log: Logger): ConfigReader {
  return async (image, signal) => {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(INSPECT_MS_MAX)]);
      const found = await readImageConfig(engine, image, limit);
      if (found !== undefined) return found;
    } catch (error) {
      signal.throwIfAborted();
      log.info("configuration of image not read from the engine", { image, error: describeError(error) });
    }
    return await others(image, signal);
  };
}
