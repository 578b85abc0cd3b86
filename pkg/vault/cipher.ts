import { decodeBase64Url, encodeBase64Url } from "./base64.ts";

const NONCE_BYTES = 12;
export const KEY_BYTES = 32;

/** The bytes that a ciphertext is bound to. Parts are prefixed with their length, so that none can run into the next. */
export function boundTo(...parts: readonly string[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(parts.map((part) => `${part.length}:${part}`).join(""));
}

/** Takes 32 bytes as an AES-256-GCM key that cannot be read back. */
export async function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** Encrypts with a fresh nonce into `v1.<key id>.<nonce>.<ciphertext and tag>`. */
export async function seal(
  key: { readonly id: string; readonly key: CryptoKey },
  plaintext: Uint8Array<ArrayBuffer>,
  additionalData: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key.key, plaintext);
  return ["v1", key.id, encodeBase64Url(iv), encodeBase64Url(new Uint8Array(sealed))].join(".");
}

/** The parts of a sealed text. */
export interface Sealed {
  readonly keyId: string;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

/** Reads the text form, or `undefined` when it is not one that this version knows. */
export function readSealed(text: string): Sealed | undefined {
  const [version, keyId, nonce, data, ...rest] = text.split(".");
  if (version !== "v1" || rest.length > 0) return undefined;
  if (keyId === undefined || nonce === undefined || data === undefined) return undefined;
  const [iv, ciphertext] = [decodeBase64Url(nonce), decodeBase64Url(data)];
  if (iv?.length !== NONCE_BYTES || ciphertext === undefined) return undefined;
  return { keyId, iv, ciphertext };
}

/** Decrypts, or answers `undefined` when key, binding or bytes do not fit. */
export async function open(
  key: CryptoKey,
  { iv, ciphertext }: Sealed,
  additionalData: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(
      await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, ciphertext),
    );
  } catch (error) {
    // WebCrypto says no more than that authentication failed.
    if (error instanceof DOMException && error.name === "OperationError") return undefined;
    throw error;
  }
}
