/**
 * Where build contexts are kept: objects that clients put and builders get by signed URLs, never through our process's
 * memory.
 *
 * ```ts
 * const store = createFileObjectStore({ directory, baseUrl, signingKey, sizeMaxBytes, clock });
 * const put = await store.presignPut("proj_1/build_1.tar.gz", { sizeBytes, checksumSha256, expiresInMs: 900_000 });
 * // the client: PUT put.url with put.headers and exactly `sizeBytes` bytes that hash to `checksumSha256`
 * const source = await store.presignGet("proj_1/build_1.tar.gz", { expiresInMs: 3_600_000 });
 * ```
 *
 * Two implementations pass one test suite: files in a directory that a process serves under `/objects/`, here, and any
 * S3 endpoint, in `pkg/s3`.
 *
 * @module
 */
export { createFileObjectStore, type FileObjectStore, type FileObjectStoreOptions } from "./files.ts";
export { checkKey } from "./key.ts";
export { putHeaders } from "./put_headers.ts";
export { OBJECT_STORE_FIELDS, type ObjectStoreConfig, objectStoreProblems } from "./settings.ts";
export type { ObjectStore, PresignedPut, PresignPutOptions } from "./types.ts";
