import type { Vault } from "../../../../pkg/vault/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import { type Encrypted, encryptText, type VaultDeps } from "./encrypt.ts";
import { checkCiphertext, checkItems, checkKeyring, type NamedText } from "./limits.ts";

/**
 * Decrypts a text of a keyring.
 *
 * @throws `invalid_argument` for a text that was changed, or was encrypted for another keyring or name; the answer is the
 * same for all of them
 */
export async function decryptText({ vault }: VaultDeps, keyring: string, given: NamedText): Promise<string> {
  checkKeyring(keyring);
  return await decrypt(vault, keyring, { field: "encrypted", given });
}

/** Decrypts all of them, or none. */
export async function decryptTexts(
  { vault }: VaultDeps,
  keyring: string,
  items: ReadonlyMap<string, NamedText>,
): Promise<ReadonlyMap<string, string>> {
  checkKeyring(keyring);
  checkItems(items);
  const texts = [...items].map(async ([id, given]) =>
    [id, await decrypt(vault, keyring, { field: `items.${id}`, given })] as const
  );
  return new Map(await Promise.all(texts));
}

/** Encrypts anew with the keyring's newest data key. The given text stays readable. */
export async function reEncryptText(deps: VaultDeps, keyring: string, given: NamedText): Promise<Encrypted> {
  const text = await decryptText(deps, keyring, given);
  return await encryptText(deps, keyring, { name: given.name, text });
}

async function decrypt(
  vault: Vault,
  keyring: string,
  { field, given }: { readonly field: string; readonly given: NamedText },
): Promise<string> {
  checkCiphertext(field, given);
  const text = await vault.open(keyring, given.name, given.text);
  if (text !== undefined) return text;
  throw invalid(field, "was not encrypted for this keyring and name, or was changed since");
}
