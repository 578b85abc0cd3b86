import type { BuildRequest } from "../../../../pkg/build/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { openRegistryCredentials } from "../../internal/registries/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";

/** Places where credentials for base images are. */
export interface CredentialSources {
  readonly db: CtrlDatabase;
  /** Opens those of workspaces; `undefined`: there are none. */
  readonly vault: Vault | undefined;
  /** Of the only user of this platform. */
  readonly ownCredentials?: BuildRequest["credentials"] | undefined;
}

/** The credentials of a workspace's builds: its own of a registry, else those of the platform's only user. */
export function credentialsOf(
  { db, vault, ownCredentials = () => Promise.resolve(undefined) }: CredentialSources,
): (workspaceId: string) => Promise<BuildRequest["credentials"]> {
  if (vault === undefined) return () => Promise.resolve(ownCredentials);
  const registries = openRegistryCredentials({ db, vault });
  return async (workspaceId) => {
    const ofWorkspace = await registries.credentialsOf(workspaceId);
    return async (host) => await ofWorkspace(host) ?? await ownCredentials(host);
  };
}
