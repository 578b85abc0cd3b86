import { createHash } from "node:crypto";
import { type ChunkReference, DIGEST_BYTES, type FileDigests } from "./types.ts";

/**
 * The bytes of a cache: its SHA-256, then numbers of 32 bits in little-endian order (format, files, chunks of files that have several, the count of
 * these for each file, their lengths), then the digests of files and of those chunks, then the keys, a line for each file.
 */

/** Changes whenever chunks are cut in another way, or digests are made in another way. */
const FORMAT = 3;
const HEAD_NUMBERS = 3;

/** The size of a file is the last part of its key, behind a colon. */
export function encodeDigests(known: ReadonlyMap<string, FileDigests>): Uint8Array {
  const files = [...known.values()];
  const several = files.flatMap(({ chunks }) => chunks.length > 1 ? chunks : []);
  const counts = files.map(({ chunks }) => chunks.length > 1 ? chunks.length : 0);
  const lengths = several.map((chunk) => chunk.bytes);
  const keys = new TextEncoder().encode([...known.keys()].join("\n"));
  const start = DIGEST_BYTES + 4 * (HEAD_NUMBERS + counts.length + several.length);
  const bytes = new Uint8Array(start + DIGEST_BYTES * (files.length + several.length) + keys.length);
  const view = new DataView(bytes.buffer, DIGEST_BYTES);
  [FORMAT, files.length, several.length, ...counts, ...lengths].forEach((number, index) =>
    view.setUint32(4 * index, number, true)
  );
  let at = start;
  for (const digest of [...files.map(({ sha256 }) => sha256), ...several.map(({ digest }) => digest)]) {
    bytes.set(digest, at);
    at += DIGEST_BYTES;
  }
  bytes.set(keys, at);
  bytes.set(checksum(bytes));
  return bytes;
}

/** @throws for bytes that are no cache of this format */
export function decodeDigests(read: Uint8Array): Map<string, FileDigests> {
  // Views of a buffer of Node's would be such buffers, too.
  const bytes = new Uint8Array(read.buffer, read.byteOffset, read.length);
  if (!checksum(bytes).every((byte, index) => byte === bytes[index])) throw new Error("the cache is damaged");
  const view = new DataView(bytes.buffer, bytes.byteOffset + DIGEST_BYTES);
  const number = (index: number): number => view.getUint32(4 * index, true);
  if (number(0) !== FORMAT) throw new Error("the cache has another format");
  const [files, several] = [number(1), number(2)];
  const start = DIGEST_BYTES + 4 * (HEAD_NUMBERS + files + several);
  const digestAt = (index: number): Uint8Array =>
    bytes.subarray(start + DIGEST_BYTES * index, start + DIGEST_BYTES * (index + 1));
  const keys = new TextDecoder().decode(bytes.subarray(start + DIGEST_BYTES * (files + several)));
  const known = new Map<string, FileDigests>();
  let chunk = 0;
  for (const [index, key] of files === 0 ? [] : keys.split("\n").entries()) {
    const [sha256, count] = [digestAt(index), number(HEAD_NUMBERS + index)];
    const chunks: ChunkReference[] = Array.from({ length: count }, (_, each) => ({
      digest: digestAt(files + chunk + each),
      bytes: number(HEAD_NUMBERS + files + chunk + each),
    }));
    chunk += count;
    known.set(key, { sha256, chunks: count > 0 ? chunks : single(sha256, sizeOf(key)) });
  }
  return known;
}

function sizeOf(key: string): number {
  return Number(key.slice(key.lastIndexOf(":") + 1));
}

function single(digest: Uint8Array, bytes: number): readonly ChunkReference[] {
  return bytes === 0 ? [] : [{ digest, bytes }];
}

function checksum(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes.subarray(DIGEST_BYTES)).digest();
}
