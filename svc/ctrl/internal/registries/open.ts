import { canonicalRegistryHost, type RegistryCredentials } from "../../../../pkg/registry/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { type CtrlDatabase, listRegistryCredentials } from "../store/mod.ts";
import { openRegistrySecret } from "./secret.ts";

/** Credentials by workspace, for the builds of a worker. */
export interface WorkspaceRegistries {
  /**
   * The workspace's credentials as they are at this moment, by host as BuildKit names it (`registry-1.docker.io`,
   * `localhost:5000`). Secrets are decrypted when they are asked for.
   *
   * The function that is returned throws `internal` when a secret does not decrypt.
   */
  credentialsOf(workspaceId: string): Promise<(host: string) => Promise<RegistryCredentials | undefined>>;
}

/** Credentials in the table `registry_credentials`. */
export function openRegistryCredentials(
  { db, vault }: { readonly db: CtrlDatabase; readonly vault: Vault },
): WorkspaceRegistries {
  return {
    async credentialsOf(workspaceId) {
      const rows = new Map(
        (await listRegistryCredentials(db.kysely, workspaceId)).map((row) => [row.host, row]),
      );
      return async (given) => {
        const host = canonicalRegistryHost(given);
        const row = rows.get(host);
        if (row === undefined) return undefined;
        const password = await openRegistrySecret(vault, { workspaceId, host }, row.ciphertext);
        return { username: row.username, password };
      };
    },
  };
}
