/**
 * Credentials for registries from the user's own Docker configuration, as `docker login` left them: in the file itself,
 * or in a credential helper.
 *
 * ```ts
 * const credentials = openDockerConfig({ env: process.env, home, log, signal });
 * await credentials("registry-1.docker.io");  // undefined: ask without credentials
 * ```
 *
 * https://docs.docker.com/reference/cli/docker/login/#credential-helpers
 *
 * @module
 */
export { type DockerConfigOptions, type DockerCredentials, openDockerConfig } from "./open.ts";
export type { HelperOutput, RunHelper } from "./run_helper.ts";
