import type { Secret } from "../config/mod.ts";

/** A user of a registry. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: Secret;
}

/** Where images of builds go. */
export interface Registry {
  /** Host, port and path as images are named: `registry.example.com/apps`. */
  readonly name: string;
  readonly credentials?: RegistryCredentials;
}

/** The registry's credentials for an image that lies in it; others must never see them. */
export function credentialsFor(
  registry: Registry | undefined,
  image: string,
): RegistryCredentials | undefined {
  return registry !== undefined && image.startsWith(`${registry.name}/`) ? registry.credentials : undefined;
}
