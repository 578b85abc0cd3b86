import { hash } from "node:crypto";

/** How credentials are stored: they are long and random, so a plain SHA-256 in hex is enough. */
export function credentialHash(token: string): string {
  return hash("sha256", token, "hex");
}
