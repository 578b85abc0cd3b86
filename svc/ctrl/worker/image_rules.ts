import type { Logger } from "../../../pkg/logger/mod.ts";
import { createDigestResolver, registryOf } from "../../../pkg/registry/mod.ts";
import type { BuilderConfig } from "./builder_config.ts";
import type { ImageRules } from "./deploy/pin_image.ts";

/** The rules that the settings make for images which users name. */
export function imageRules(
  config: BuilderConfig,
  { registryName, log }: { readonly registryName: string; readonly log: Logger },
): ImageRules {
  if (!config.resolveImages) return { registryName, digestOf: () => Promise.resolve(undefined) };
  const { trustedRegistries: trustedHosts } = config;
  return {
    registryName,
    digestOf: createDigestResolver({ registry: registryOf(config), trustedHosts, log }),
  };
}
