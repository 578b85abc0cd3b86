import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { type ChunkReference, DIGEST_BYTES } from "./types.ts";

/** SHA-256. */
export function digestOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** A digest as the key of a map: a character for each byte. */
export function digestKey(digest: Uint8Array): string {
  const key: string = Reflect.apply(String.fromCharCode, undefined, digest);
  return key;
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** Digests one behind the other. */
export function joinDigests(chunks: readonly ChunkReference[]): Uint8Array {
  const joined = new Uint8Array(chunks.length * DIGEST_BYTES);
  chunks.forEach(({ digest }, index) => joined.set(digest, index * DIGEST_BYTES));
  return joined;
}
