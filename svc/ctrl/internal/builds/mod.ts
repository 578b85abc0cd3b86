/**
 * Secrets of builds, as the api seals them and the worker opens them; the key under which their images are found again.
 *
 * ```ts
 * const sealed = await sealBuildSecrets(vault, { environmentId, deploymentId }, secrets);
 * const secrets = await openBuildSecrets(vault, { environmentId, deploymentId }, sealed);
 * const key = buildKey({ contentId, dockerfile, platform, target, arguments, secretsDigest });
 * ```
 *
 * @module
 */
export { buildKey, type BuildKeyParts, mentions } from "./build_key.ts";
export { deploymentArguments } from "./deployment_arguments.ts";
export { openBuildSecrets, sealBuildSecrets, type SecretsOwner } from "./secrets.ts";
