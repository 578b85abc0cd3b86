/**
 * Where build contexts are kept: objects that clients put and builders get by signed URLs, never through our process's
 * memory.
 *
 * ```ts
 * const store = createS3ObjectStore({ url, externalUrl, bucket, region, accessKeyId, secretAccessKey, clock });
 * await store.ensureBucket();
 * const put = await store.presignPut("proj_1/build_1.tar.gz", { sizeBytes, checksumSha256, expiresInMs: 900_000 });
 * // the client: PUT put.url with put.headers and exactly `sizeBytes` bytes that hash to `checksumSha256`
 * const source = await store.presignGet("proj_1/build_1.tar.gz", { expiresInMs: 3_600_000 });
 * ```
 *
 * Two implementations pass one test suite: any S3 endpoint, and files in a directory that `ctrl api` serves under
 * `/objects/`. The AWS packages load at the first use, so a process that keeps files never pays for them.
 *
 * @module
 */
export { createFileObjectStore, type FileObjectStore, type FileObjectStoreOptions } from "./files.ts";
export { createS3ObjectStore, type S3ObjectStore, type S3ObjectStoreOptions } from "./s3.ts";
export { OBJECTS_PATH } from "./signed_url.ts";
export type { ObjectStore, PresignedPut, PresignPutOptions } from "./types.ts";
