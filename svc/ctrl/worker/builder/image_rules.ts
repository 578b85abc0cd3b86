import type { Logger } from "../../../../pkg/logger/mod.ts";
import { createDigestResolver, isPublicRegistry, registryOf } from "../../../../pkg/registry/mod.ts";
import type { BuilderConfig } from "../config/builder.ts";

/** The rules for images that users name. */
export interface ImageRules {
  /** Images below it are the platform's own, each a workspace's. */
  readonly registryName: string;
  /** True when the platform's machines may ask its registry. */
  readonly mayPull: (image: string, signal: AbortSignal) => Promise<boolean>;
  /**
   * The digest that a name means now; `undefined` when its registry does not tell within a few seconds.
   *
   * @throws `permission_denied` when the registry leads to a private address
   */
  readonly digestOf: (image: string, signal: AbortSignal) => Promise<string | undefined>;
}

/** The rules that the settings make for images that users name. */
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
