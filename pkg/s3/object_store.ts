import { checkKey, type ObjectStore, type PresignedPut, putHeaders } from "../objectstore/mod.ts";
import { lazyClient, type S3Options } from "./client.ts";
import { endOldVersions, findOrCreateBucket, type Lifecycle } from "./bucket.ts";
import { encryptionHeaders } from "./encryption.ts";
import { s3Fault, statusOf } from "./fault.ts";
import { openFetch } from "./fetch.ts";

/** An object store in a bucket. */
export interface S3ObjectStore extends ObjectStore {
  /**
   * Finds the bucket, or creates it; true if it was created. Lacking the permission to create is fine as long as the bucket
   * is there.
   *
   * @throws `failed_precondition` when there is no bucket and none can be made, `unavailable` when S3 does not answer
   */
  ensureBucket(): Promise<boolean>;
  /** Lets old versions of objects end, where the bucket has no rules of its own. */
  endOldVersions(): Promise<Lifecycle>;
  /** Closes idle connections. */
  close(): void;
}

/** The longest that a signature of version 4 can live. */
const EXPIRES_SECONDS_MAX = 7 * 24 * 3_600;

/** Keeps objects in a bucket of any S3 server. Does no I/O, and loads no AWS package, before the first call. */
export function createS3ObjectStore(options: S3Options): S3ObjectStore {
  const { bucket, clock } = options;
  const inside = lazyClient(options, options.url);
  const outside = options.externalUrl === undefined ? inside : lazyClient(options, options.externalUrl);
  const reader = options.authorities === undefined ? undefined : openFetch(options.authorities);

  return {
    ...(reader === undefined ? {} : { fetch: reader.fetch }),

    async presignPut(key, put): Promise<PresignedPut> {
      checkKey(key);
      const { PutObjectCommand } = await import("@aws-sdk/client-s3");
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      const { sizeBytes, checksumSha256 } = put;
      const encryption = encryptionHeaders(options.encryption, put);
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(sizeBytes === undefined ? {} : { ContentLength: sizeBytes }),
        ...(checksumSha256 === undefined ? {} : { ChecksumSHA256: checksumSha256 }),
        ...encryption.input,
      });
      // Signed as headers, not as query parameters: S3 checks the content against the header only.
      const url = await getSignedUrl(await outside.get(), command, {
        expiresIn: seconds(put.expiresInMs),
        signingDate: new Date(clock.now()),
        signableHeaders: new Set(["content-length"]),
        unhoistableHeaders: new Set(["x-amz-checksum-sha256"]),
      }).catch((error: unknown) => {
        throw s3Fault(error, options);
      });
      return { url, headers: { ...putHeaders(put), ...encryption.headers } };
    },

    async presignGet(key, { expiresInMs }): Promise<string> {
      checkKey(key);
      const { GetObjectCommand } = await import("@aws-sdk/client-s3");
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      return await getSignedUrl(await inside.get(), new GetObjectCommand({ Bucket: bucket, Key: key }), {
        expiresIn: seconds(expiresInMs),
        signingDate: new Date(clock.now()),
      }).catch((error: unknown) => {
        throw s3Fault(error, options);
      });
    },

    async head(key): Promise<{ sizeBytes: number } | undefined> {
      checkKey(key);
      const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
      const client = await inside.get();
      try {
        const found = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
        return { sizeBytes: found.ContentLength ?? 0 };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw s3Fault(error, options);
      }
    },

    async delete(key): Promise<void> {
      checkKey(key);
      const { DeleteObjectCommand } = await import("@aws-sdk/client-s3");
      const client = await inside.get();
      try {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
      } catch (error) {
        if (statusOf(error) !== 404) throw s3Fault(error, options);
      }
    },

    ensureBucket: async () => await findOrCreateBucket(await inside.get(), options),

    endOldVersions: async () => await endOldVersions(await inside.get(), options),

    close(): void {
      inside.close();
      outside.close();
      reader?.close();
    },
  };
}

function seconds(ms: number): number {
  return Math.min(EXPIRES_SECONDS_MAX, Math.max(1, Math.ceil(ms / 1_000)));
}
