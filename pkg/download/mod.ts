/**
 * Files from other machines whose content is known before: an archive by its hash, and one file out of it.
 *
 * ```ts
 * await downloadFile({ url, path: archive, hash: { algorithm: "sha256", digest }, bytesMax, subject, advice, clock, signal });
 * await unpackFile({ archive, entry: "unkey", path, bytesMax });
 * ```
 *
 * @module
 */
export { downloadFile, type DownloadOptions, type DownloadProgress } from "./download.ts";
export { unpackFile, type UnpackOptions } from "./unpack.ts";
