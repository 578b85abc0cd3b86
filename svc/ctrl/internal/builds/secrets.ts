import type { Vault } from "../../../../pkg/vault/mod.ts";

/** The build that secrets are bound to. */
export interface SecretsOwner {
  /** The keyring, as of the environment's variables. */
  readonly environmentId: string;
  readonly deploymentId: string;
}

/** Seals the secrets of a build by their ids. A ciphertext opens for the same deployment and id only. */
export async function sealBuildSecrets(
  vault: Vault,
  owner: SecretsOwner,
  secrets: ReadonlyMap<string, Uint8Array>,
): Promise<Readonly<Record<string, string>>> {
  const sealed: [string, string][] = [];
  for (const [id, bytes] of secrets) {
    // The vault takes text, and a secret may be any bytes.
    sealed.push([id, await vault.encrypt(owner.environmentId, nameOf(owner, id), bytes.toBase64())]);
  }
  return Object.fromEntries(sealed);
}

/** Reverses `sealBuildSecrets`. @throws `internal` for a ciphertext of another deployment, id or master key */
export async function openBuildSecrets(
  vault: Vault,
  owner: SecretsOwner,
  sealed: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const opened = new Map<string, Uint8Array>();
  for (const [id, ciphertext] of Object.entries(sealed)) {
    const text = await vault.decrypt(owner.environmentId, nameOf(owner, id), ciphertext);
    opened.set(id, Uint8Array.fromBase64(text));
  }
  return opened;
}

/** No name of a variable has a slash. */
function nameOf({ deploymentId }: SecretsOwner, id: string): string {
  return `build/${deploymentId}/${id}`;
}
