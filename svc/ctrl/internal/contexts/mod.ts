/**
 * Build contexts by content, as api and worker read them.
 *
 * ```ts
 * for await (const piece of readChunks({ db, objects }, projectId, manifest)) use(piece);
 * ```
 *
 * @module
 */
export { encodeManifest, manifestOf } from "./manifest.ts";
export { ChunkReader, type ChunkSource, readChunks } from "./read_chunks.ts";
