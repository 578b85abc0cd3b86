import { createHash } from "node:crypto";
import type { ContextEntry, ContextTree } from "./tree.ts";

const MODE = 0o644;
/** 2^48 nanoseconds are 78 hours: a time in the first days of 1970. */
const STAMP_BYTES = 6;

/**
 * A folder with one file. Its time is made from its content: BuildKit tells changed files by size and time, and the same content
 * is not sent twice.
 */
export function singleFile(path: string, content: Uint8Array): ContextTree {
  const stamp = createHash("sha256").update(content).digest().readUIntBE(0, STAMP_BYTES);
  const entry: ContextEntry = {
    path,
    kind: "file",
    mode: MODE,
    size: content.length,
    modifiedAtNs: BigInt(stamp),
    target: "",
  };
  return {
    entries: [entry],
    async *read(_entry, signal) {
      signal.throwIfAborted();
      yield await Promise.resolve(content);
    },
  };
}
