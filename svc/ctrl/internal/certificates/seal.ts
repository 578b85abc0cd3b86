/** Private keys at rest. Each is bound to what it is for: one that is copied to another row does not open. */
import { Secret } from "../../../../pkg/config/mod.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";

/** A host name in the hands of a workspace. */
export interface KeyOwner {
  readonly workspaceId: string;
  readonly hostname: string;
}

/** An account of a workspace at an authority. */
export interface AccountOwner {
  readonly workspaceId: string;
  readonly directoryUrl: string;
}

export async function sealCertificateKey(vault: Vault, owner: KeyOwner, key: Secret): Promise<string> {
  return await vault.encrypt(owner.workspaceId, `certificate:${owner.hostname}`, key.reveal());
}

export async function openCertificateKey(vault: Vault, owner: KeyOwner, sealed: string): Promise<Secret> {
  return new Secret(await vault.decrypt(owner.workspaceId, `certificate:${owner.hostname}`, sealed));
}

/** The key of a certificate that is not there yet. */
export async function sealOrderKey(vault: Vault, owner: KeyOwner, key: Secret): Promise<string> {
  return await vault.encrypt(owner.workspaceId, `certificate-order:${owner.hostname}`, key.reveal());
}

export async function openOrderKey(vault: Vault, owner: KeyOwner, sealed: string): Promise<Secret> {
  return new Secret(await vault.decrypt(owner.workspaceId, `certificate-order:${owner.hostname}`, sealed));
}

export async function sealAccountKey(vault: Vault, owner: AccountOwner, key: Secret): Promise<string> {
  return await vault.encrypt(owner.workspaceId, `acme-account:${owner.directoryUrl}`, key.reveal());
}

export async function openAccountKey(vault: Vault, owner: AccountOwner, sealed: string): Promise<Secret> {
  return new Secret(await vault.decrypt(owner.workspaceId, `acme-account:${owner.directoryUrl}`, sealed));
}
