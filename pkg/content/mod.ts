/**
 * Build contexts by content: files are cut into chunks that are known by their SHA-256, so that an upload sends only what the store
 * lacks.
 *
 * ```ts
 * const entries = await digestFolder({ root, entries: listed, cacheDirectory, nowMs, signal });
 * const manifest = cutManifest(entries);                                 // its chunks, and the content id
 * const writer = new PackWriter();
 * for (const pack of packFiles(writer, { root, entries }, (chunk) => missing.has(digestKey(chunk.digest)))) await send(pack);
 * const last = writer.end();
 * ```
 *
 * - A chunk is at most 4 MiB of one file. Files up to 1 MiB are one chunk; larger ones are cut where their content says so, so that
 *   an edit changes the chunks that it touches.
 * - A pack is about 4 MiB of chunks, the unit of upload.
 * - A manifest lists a tree, times included. Its own chunks are stored like those of files.
 * - The content id is the Merkle root of a tree without its times.
 *
 * @module
 */
export { CHUNK_BYTES_MAX, Chunker, type ChunkSizes, CONTENT_CHUNKS, MANIFEST_CHUNKS } from "./chunker.ts";
export { TreeCheck } from "./check_tree.ts";
export { comparePaths } from "./order.ts";
export { contentIdOf } from "./content_id.ts";
export { digestKey, joinDigests } from "./digest.ts";
export { KeptChunks } from "./kept_chunks.ts";
export { digestFolder, type FolderOptions } from "./folder.ts";
export { cutManifest, type Manifest, ManifestReader } from "./manifest.ts";
export { ContentChanged, type Pack, type PackedFolder, packFiles, PackWriter, unpackChunk } from "./packs.ts";
export {
  type ChunkReference,
  type ContentEntry,
  type ContextRoot,
  DIGEST_BYTES,
  type PackedChunk,
} from "./types.ts";
