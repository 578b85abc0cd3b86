import type { Logger } from "../../../../pkg/logger/mod.ts";
import { createDigestResolver, isPublicRegistry, registryOf } from "../../../../pkg/registry/mod.ts";
import type { BuilderConfig } from "../config/builder.ts";
import type { ImageRules } from "../deploy/pin_image.ts";

/** The rules that the settings make for images which users name. */
export function imageRules(
  config: BuilderConfig,
  { registryName, log }: { readonly registryName: string; readonly log: Logger },
): ImageRules {
  const { imageSources, resolveImages, trustedRegistries: trusted } = config;
  const registry = registryOf(config);
  return {
    registryName,
    mayPull: imageSources === "any"
      ? () => Promise.resolve(true)
      : (image, signal) => isPublicRegistry(image, { trusted, signal }),
    digestOf: resolveImages
      ? createDigestResolver({ registry, trustedHosts: trusted, log })
      : () => Promise.resolve(undefined),
  };
}
