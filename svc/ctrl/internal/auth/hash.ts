import { hash } from "node:crypto";

/** The stored form of credentials: they are long and random, so a plain SHA-256 in hex is enough. */
export function credentialHash(token: string): string {
  return hash("sha256", token, "hex");
}
