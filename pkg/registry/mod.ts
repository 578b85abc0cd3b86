/**
 * The registry that builds are pushed to and apps are pulled from: its settings, and whose credentials go where.
 *
 * ```ts
 * const registry = registryOf(config);                    // undefined: images stay in the engine that builds them
 * const credentials = credentialsFor(registry, image);    // only for images of that registry
 * ```
 *
 * @module
 */
export { canonicalRegistryHost, DOCKER_HUB, type ParsedHost, parseRegistryHost } from "./host.ts";
export { credentialsFor, type Registry, type RegistryCredentials } from "./registry.ts";
export {
  REGISTRY_ADDRESS_FIELD,
  REGISTRY_FIELDS,
  type RegistryConfig,
  registryOf,
  registryProblems,
} from "./settings.ts";
export { isPublicRegistry, PRIVATE_SUFFIXES } from "./public_registry.ts";
export { pullFailureText, pullText } from "./pull_text.ts";
export { type RemoteProblem, remoteProblem } from "./remote_problem.ts";
export { IMAGE_CONFIG, type ImageConfig, type ImageHealthCheck } from "./image_config.ts";
export { type ConfigReader, createConfigReader } from "./read_config.ts";
export { createManifestFinder, type ManifestState } from "./find_manifest.ts";
export { probePush, type PushRight } from "./probe_push.ts";
export { createDigestResolver, type DigestResolver } from "./resolve.ts";
export { GLOBAL_V6, isPublicAddress, PRIVATE_V4, PRIVATE_V6 } from "./public_address.ts";
