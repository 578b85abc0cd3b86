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
  /** Host and port at which this process asks it, where that is not the name's. */
  readonly address?: string;
}

/** The address of the registry for questions about an image's host, where that is not the host itself. */
export function addressFor(registry: Registry | undefined, host: string): { readonly address?: string } {
  const address = registry?.address;
  return address === undefined || registry?.name.split("/")[0] !== host ? {} : { address };
}

/** The registry's credentials for an image that lies in it; others must never see them. */
export function credentialsFor(
  registry: Registry | undefined,
  image: string,
): RegistryCredentials | undefined {
  return registry !== undefined && image.startsWith(`${registry.name}/`) ? registry.credentials : undefined;
}
