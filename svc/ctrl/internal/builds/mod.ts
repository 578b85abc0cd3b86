/**
 * Secrets of builds, as the api seals them and the worker opens them.
 *
 * ```ts
 * const sealed = await sealBuildSecrets(vault, { environmentId, deploymentId }, secrets);
 * const secrets = await openBuildSecrets(vault, { environmentId, deploymentId }, sealed);
 * ```
 *
 * @module
 */
export { openBuildSecrets, sealBuildSecrets, type SecretsOwner } from "./secrets.ts";
