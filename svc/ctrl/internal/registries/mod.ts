/**
 * The credentials that a workspace has for registries of base images.
 *
 * ```ts
 * const registries = openRegistryCredentials({ db, vault });
 * const credentials = await registries.credentialsOf(workspaceId);  // as they are now
 * await credentials("registry-1.docker.io");                        // undefined: ask without credentials
 * ```
 *
 * @module
 */
export { openRegistryCredentials, type WorkspaceRegistries } from "./open.ts";
export { sealRegistrySecret } from "./secret.ts";
