/**
 * SHA-256 in hexadecimal digits, for names, fingerprints and stored credentials.
 *
 * ```ts
 * sha256Hex("hello");            // 2cf24dba5fb0a30e…
 * shortHash("hello", 8);         // 2cf24dba
 * digestOf([name, 3, ["web"]]);  // of the value's JSON text
 * ```
 *
 * @module
 */
import { hash } from "node:crypto";

/** The 64 digits of a text's UTF-8 or of bytes. */
export function sha256Hex(content: string | Uint8Array): string {
  return hash("sha256", content, "hex");
}

/** The first digits only: 16 are enough to tell millions of names apart, 32 where a collision may be sought on purpose. */
export function shortHash(content: string | Uint8Array, digits: number): string {
  return sha256Hex(content).slice(0, digits);
}

/** Equal for values with the same JSON text. The caller puts keys whose order means nothing in order, as sorted entries. */
export function digestOf(value: unknown): string {
  return sha256Hex(JSON.stringify(value));
}
