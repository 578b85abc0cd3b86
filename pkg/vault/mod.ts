/**
 * Envelope encryption: values under a data key per keyring, data keys under a master key that never leaves the process.
 *
 * ```ts
 * const vault = createVault({ masterKeys: parseMasterKeys(config.vaultMasterKeys), store, clock });
 * const ciphertext = await vault.encrypt(environmentId, "DATABASE_URL", "postgres://…");
 * const value = await vault.decrypt(environmentId, "DATABASE_URL", ciphertext);
 * ```
 *
 * AES-256-GCM throughout. To change the master key, put the new one first, run `resealDataKeys`, and drop the old one. A
 * keyring gets a new data key with time and use; values keep the one that encrypted them. Keyring and name are
 * authenticated with each value, so that a ciphertext copied to another variable or environment does not decrypt.
 *
 * @module
 */
export { type DataKeyLife, type DataKeyStore, type StoredDataKey } from "./data_keys.ts";
export { type MasterKey, masterKeysProblem, parseMasterKeys } from "./master_keys.ts";
export { renewDataKeys, type RenewStore, resealDataKeys, type Resealed, type ResealStore } from "./rotate.ts";
export { createVault, dataKeyIdOf, plaintextBytes, type Vault, type VaultOptions } from "./vault.ts";
