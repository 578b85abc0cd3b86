import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as signBytes,
  verify,
} from "node:crypto";

/** Both as base64 of their DER forms: PKCS #8, and SubjectPublicKeyInfo (RFC 8410). */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export function newKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privateKey: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
    publicKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
  };
}

/** The signature of a text or bytes, as base64. @throws for a key that is none */
export function sign(content: string | Uint8Array, privateKey: string): string {
  const key = createPrivateKey({ key: Buffer.from(privateKey, "base64"), format: "der", type: "pkcs8" });
  return signBytes(null, bytesOf(content), key).toString("base64");
}

/** False for every other content, signature or key, also for what is no signature or key at all. */
export function verifies(content: string | Uint8Array, signature: string, publicKey: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
    if (key.asymmetricKeyType !== "ed25519") return false;
    return verify(null, bytesOf(content), key, Buffer.from(signature, "base64"));
  } catch {
    // A key that cannot be read proves nothing.
    return false;
  }
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}
