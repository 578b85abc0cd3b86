import { Secret } from "../../../../pkg/config/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";

/** Workspace and host of the secret; the host as `parseRegistryHost` returns it. */
export interface SecretOwner {
  readonly workspaceId: string;
  readonly host: string;
}

/** Encrypts a secret for one workspace and host: it decrypts for no other. Call it outside of transactions. */
export async function sealRegistrySecret(vault: Vault, owner: SecretOwner, secret: string): Promise<string> {
  return await vault.encrypt(owner.workspaceId, secretName(owner.host), secret);
}

/** Reverses `sealRegistrySecret`. @throws `internal` when the ciphertext belongs to another owner, or its key is missing */
export async function openRegistrySecret(
  vault: Vault,
  owner: SecretOwner,
  ciphertext: string,
): Promise<Secret> {
  return new Secret(await vault.decrypt(owner.workspaceId, secretName(owner.host), ciphertext));
}

function secretName(host: string): string {
  return `registry:${host}`;
}
