import { createHmac } from "node:crypto";
import type { Clock } from "../clock/mod.ts";
import { Fault, publicFault } from "../fault/mod.ts";
import { boundTo, open, readSealed, seal } from "./cipher.ts";
import { type DataKeyLife, DataKeys, type DataKeyStore } from "./data_keys.ts";
import type { MasterKey } from "./master_keys.ts";

export interface VaultOptions {
  /** The first encrypts. */
  readonly masterKeys: readonly MasterKey[];
  readonly store: DataKeyStore;
  readonly clock: Clock;
  readonly life?: DataKeyLife;
}

/** Encrypts and decrypts small texts. Safe to use concurrently, also from several processes on one store. */
export interface Vault {
  /**
   * Encrypts `plaintext`, bound to `keyring` and `name`. Makes a data key when the keyring has none, or an old one.
   *
   * @throws `invalid_argument` for a text that is not well-formed Unicode
   */
  encrypt(keyring: string, name: string, plaintext: string): Promise<string>;
  /**
   * Reverses `encrypt`; `undefined` for a text that was changed, or was not made for this keyring and name.
   *
   * @throws `internal` when its data key cannot be opened
   */
  open(keyring: string, name: string, ciphertext: string): Promise<string | undefined>;
  /**
   * The same for a ciphertext that must be right.
   *
   * @throws `internal` when the text was not made for this keyring and name, was changed, or its master key is missing
   */
  decrypt(keyring: string, name: string, ciphertext: string): Promise<string>;
  /**
   * A digest that is the same for the same text of a scope. Without the first master key a short text cannot be found by trying; another
   * first master key gives other digests.
   */
  digest(scope: string, text: string): string;
}

const DAY_MS = 24 * 60 * 60_000;
/** Far below the 2^32 random nonces that one key of AES-GCM is good for. */
const LIFE: DataKeyLife = { ageMs: 90 * DAY_MS, uses: 1_000_000 };

/** Opens a vault. Does no I/O before the first call. */
export function createVault({ masterKeys, store, clock, life = LIFE }: VaultOptions): Vault {
  const keys = new DataKeys({ masterKeys, store, clock, life });

  const openText = async (keyring: string, name: string, ciphertext: string): Promise<string | undefined> => {
    const sealed = readSealed(ciphertext);
    const key = sealed && await keys.byId(sealed.keyId, keyring);
    const bytes = sealed && key && await open(key.key, sealed, boundTo("value", keyring, name));
    // A byte order mark is a part of the text.
    return bytes && new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  };

  return {
    async encrypt(keyring, name, plaintext): Promise<string> {
      // The encoder would put another character in the place of half a one.
      if (!plaintext.isWellFormed()) {
        throw publicFault("invalid_argument", `Cannot encrypt "${name}": it is not well-formed Unicode.`);
      }
      const key = await keys.current(keyring);
      return await seal(key, new TextEncoder().encode(plaintext), boundTo("value", keyring, name));
    },

    open: openText,

    async decrypt(keyring, name, ciphertext): Promise<string> {
      const text = await openText(keyring, name, ciphertext);
      if (text !== undefined) return text;
      throw new Fault(
        "internal",
        `"${name}" of ${keyring} does not decrypt: changed, or made for another place`,
      );
    },

    digest(scope, text): string {
      const [master] = masterKeys;
      if (master === undefined) throw new Fault("internal", "no master key is configured");
      const key = createHmac("sha256", master.bytes).update("unkey digests").digest();
      return createHmac("sha256", key).update(boundTo(scope, text)).digest("hex");
    },
  };
}

const TAG_BYTES = 16;

/** The length in bytes of the text behind a ciphertext, without decrypting it. */
export function plaintextBytes(ciphertext: string): number {
  return Math.max(0, (readSealed(ciphertext)?.ciphertext.length ?? 0) - TAG_BYTES);
}

/** The id of the data key that made a ciphertext; empty for another text. */
export function dataKeyIdOf(ciphertext: string): string {
  return readSealed(ciphertext)?.keyId ?? "";
}
