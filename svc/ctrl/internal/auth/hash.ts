import { sha256Hex } from "../../../../pkg/hash/mod.ts";

/** The stored form of credentials: they are long and random, so a plain SHA-256 in hex is enough. */
export function credentialHash(token: string): string {
  return sha256Hex(token);
}
