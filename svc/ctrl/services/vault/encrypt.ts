import { dataKeyIdOf, type Vault } from "../../../../pkg/vault/mod.ts";
import { checkItems, checkKeyring, checkPlaintext, type NamedText } from "./limits.ts";

export interface VaultDeps {
  readonly vault: Vault;
}

/** A ciphertext and the data key that made it. */
export interface Encrypted {
  readonly encrypted: string;
  readonly keyId: string;
}

/** Encrypts a text for a keyring. */
export async function encryptText(
  { vault }: VaultDeps,
  keyring: string,
  given: NamedText,
): Promise<Encrypted> {
  checkKeyring(keyring);
  checkPlaintext("data", given);
  return await encrypt(vault, keyring, given);
}

/** Encrypts all of them, or none when one of them cannot be. */
export async function encryptTexts(
  { vault }: VaultDeps,
  keyring: string,
  items: ReadonlyMap<string, NamedText>,
): Promise<ReadonlyMap<string, Encrypted>> {
  checkKeyring(keyring);
  checkItems(items);
  for (const [id, given] of items) checkPlaintext(`items.${id}`, given);
  const encrypted = [...items].map(async ([id, given]) =>
    [id, await encrypt(vault, keyring, given)] as const
  );
  return new Map(await Promise.all(encrypted));
}

async function encrypt(vault: Vault, keyring: string, { name, text }: NamedText): Promise<Encrypted> {
  const encrypted = await vault.encrypt(keyring, name, text);
  return { encrypted, keyId: dataKeyIdOf(encrypted) };
}
