/**
 * Objects in a bucket of any S3 server, with uploads and downloads by signed URLs.
 *
 * ```ts
 * const store = createS3ObjectStore({ url, externalUrl, bucket, region, accessKeyId, secretAccessKey, clock });
 * await store.ensureBucket();
 * const put = await store.presignPut("proj_1/build_1.tar.gz", { sizeBytes, checksumSha256, expiresInMs: 900_000 });
 * ```
 *
 * The AWS packages load at the first use, so a process that keeps files never pays for them.
 *
 * @module
 */
export type { S3Encryption, S3Options } from "./client.ts";
export type { Lifecycle } from "./bucket.ts";
export { createS3ObjectStore, type S3ObjectStore } from "./object_store.ts";
