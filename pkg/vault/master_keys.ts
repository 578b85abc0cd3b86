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
  const bad = parts.findIndex((part) => decodeBase64(part)?.length !== KEY_BYTES);
  return bad < 0
    ? undefined
    : `key ${bad + 1} must be base64 of ${KEY_BYTES} bytes ("openssl rand -base64 32")`;
}

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
