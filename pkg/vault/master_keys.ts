import { createHash } from "node:crypto";
import type { Secret } from "../config/mod.ts";
import { publicFault } from "../fault/mod.ts";
import { decodeBase64 } from "./base64.ts";
import { KEY_BYTES } from "./cipher.ts";

/** A key that encrypts data keys. */
export interface MasterKey {
  /** Recognises the key without telling anything of it. */
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The problem of the setting, without its value; `undefined` when there is none. */
export function masterKeysProblem(text: Secret): string | undefined {
  const parts = split(text);
  if (parts.length === 0) return "must hold at least one key";
  const keys = parts.map(decodeBase64);
  const bad = keys.findIndex((key) => key?.length !== KEY_BYTES);
  if (bad >= 0) return `key ${bad + 1} must be base64 of ${KEY_BYTES} bytes (${MAKE_ONE})`;
  // Only the key that encrypts: a weak one that was used before has to be readable to be replaced.
  const different = new Set(keys[0]).size;
  if (different >= DIFFERENT_BYTES_MIN) return undefined;
  return `key 1 must be random, and has only ${different} different ${different === 1 ? "byte" : "bytes"}: ` +
    `put a new key before it (${MAKE_ONE})`;
}

const MAKE_ONE = '"openssl rand -base64 32"';
/** A random key has fewer than this in no lifetime. */
const DIFFERENT_BYTES_MIN = 4;

/**
 * Reads comma-separated keys in base64. The first encrypts, all of them decrypt.
 *
 * @throws `invalid_argument` that does not tell the value
 */
export function parseMasterKeys(text: Secret): readonly MasterKey[] {
  const problem = masterKeysProblem(text);
  if (problem !== undefined) throw publicFault("invalid_argument", `Cannot read the master keys: ${problem}`);
  return split(text).map((part) => {
    const bytes = decodeBase64(part) ?? new Uint8Array();
    return {
      id: createHash("sha256").update("unkey master key").update(bytes).digest("hex").slice(0, 12),
      bytes,
    };
  });
}

function split(text: Secret): string[] {
  return text.reveal().split(",").map((each) => each.trim()).filter((each) => each !== "");
}
