import { createHash } from "node:crypto";
import type { ContentEntry } from "./types.ts";

/** Bytes that look random and are the same for the same seed (xorshift32). */
export function randomBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed | 1;
  for (let index = 0; index < length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** A file of a manifest; its content is one chunk. */
export function fileEntry(path: string, content: string, more: Partial<ContentEntry> = {}): ContentEntry {
  const bytes = new TextEncoder().encode(content);
  const digest = sha256(bytes);
  return {
    path,
    kind: "file",
    mode: 0o644,
    size: bytes.length,
    modifiedAtNs: 1_700_000_000_000_000_001n,
    target: "",
    sha256: digest,
    chunks: bytes.length === 0 ? [] : [{ digest, bytes: bytes.length }],
    ...more,
  };
}

export function otherEntry(path: string, kind: "folder" | "link" | "hard_link", target = ""): ContentEntry {
  const none = new Uint8Array(0);
  return {
    ...fileEntry(path, ""),
    kind,
    target,
    sha256: none,
    chunks: [],
    mode: kind === "folder" ? 0o755 : 0o777,
  };
}
