import type { S3Client } from "@aws-sdk/client-s3";
import type { Clock } from "../clock/mod.ts";
import type { Secret } from "../config/secret.ts";
import { Fault } from "../fault/mod.ts";
import { checkKey } from "./key.ts";
import { putHeaders } from "./put_headers.ts";
import type { ObjectStore, PresignedPut } from "./types.ts";

/** How to reach a bucket. */
export interface S3ObjectStoreOptions {
  /** The endpoint as this process and the builder see it. */
  readonly url: string;
  /** The endpoint as clients see it; `url` when absent. Uploads are signed for its host. */
  readonly externalUrl?: string;
  readonly bucket: string;
  /** Part of every signature: it must be the server's own. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly clock: Clock;
}

/** An object store in a bucket. */
export interface S3ObjectStore extends ObjectStore {
  /**
   * Creates the bucket unless it exists. Lacking the permission to create is fine as long as the bucket is there.
   *
   * @throws `failed_precondition` when there is no bucket and none can be made, `unavailable` when S3 does not answer
   */
  ensureBucket(): Promise<void>;
  /** Closes idle connections. */
  close(): void;
}

const CONNECT_MS_MAX = 5_000;
const REQUEST_MS_MAX = 30_000;
const ATTEMPTS_MAX = 3;

/** The longest that a signature of version 4 can live. */
const EXPIRES_SECONDS_MAX = 7 * 24 * 3_600;

/** Keeps objects in a bucket of any S3 server. Does no I/O, and loads no AWS package, before the first call. */
export function createS3ObjectStore(options: S3ObjectStoreOptions): S3ObjectStore {
  const { bucket, clock } = options;
  const inside = lazyClient(options, options.url);
  const outside = options.externalUrl === undefined ? inside : lazyClient(options, options.externalUrl);

  return {
    async presignPut(key, put): Promise<PresignedPut> {
      checkKey(key);
      const { PutObjectCommand } = await import("@aws-sdk/client-s3");
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      const { sizeBytes, checksumSha256 } = put;
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(sizeBytes === undefined ? {} : { ContentLength: sizeBytes }),
        ...(checksumSha256 === undefined ? {} : { ChecksumSHA256: checksumSha256 }),
      });
      // Signed as headers, not as query parameters: S3 checks the content against the header only.
      const url = await getSignedUrl(await outside.get(), command, {
        expiresIn: seconds(put.expiresInMs),
        signingDate: new Date(clock.now()),
        signableHeaders: new Set(["content-length"]),
        unhoistableHeaders: new Set(["x-amz-checksum-sha256"]),
      });
      return { url, headers: putHeaders(put) };
    },

    async presignGet(key, { expiresInMs }): Promise<string> {
      checkKey(key);
      const { GetObjectCommand } = await import("@aws-sdk/client-s3");
      const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
      return await getSignedUrl(await inside.get(), new GetObjectCommand({ Bucket: bucket, Key: key }), {
        expiresIn: seconds(expiresInMs),
        signingDate: new Date(clock.now()),
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
        throw translate(error, options);
      }
    },

    async delete(key): Promise<void> {
      checkKey(key);
      const { DeleteObjectCommand } = await import("@aws-sdk/client-s3");
      const client = await inside.get();
      try {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
      } catch (error) {
        if (statusOf(error) !== 404) throw translate(error, options);
      }
    },

    async ensureBucket(): Promise<void> {
      const { CreateBucketCommand, HeadBucketCommand } = await import("@aws-sdk/client-s3");
      const client = await inside.get();
      try {
        await client.send(new CreateBucketCommand({ Bucket: bucket }));
      } catch (error) {
        if (OURS.has(nameOf(error))) return;
        if (statusOf(error) !== 403 && !TAKEN.has(nameOf(error))) throw translate(error, options);
        // The bucket may be there although we may not create it; only a clear "no" stops the start.
        const head = await client.send(new HeadBucketCommand({ Bucket: bucket })).catch((reason) => reason);
        if (statusOf(head) === 404 || nameOf(error) in KEY_PROBLEMS) throw translate(error, options);
      }
    },

    close(): void {
      inside.close();
      outside.close();
    },
  };
}

const OURS = new Set(["BucketAlreadyOwnedByYou"]);
const TAKEN = new Set(["BucketAlreadyExists"]);

/** Refusals that no permission would change, and what to look at. */
const KEY_PROBLEMS: Record<string, string> = {
  InvalidAccessKeyId: "the access key is not known there: check the access key id",
  SignatureDoesNotMatch: "the signature is refused: check the secret access key and the region",
  AuthorizationHeaderMalformed: "the signature is refused: check the region",
};

interface LazyClient {
  get(): Promise<S3Client>;
  close(): void;
}

function lazyClient(options: S3ObjectStoreOptions, endpoint: string): LazyClient {
  let client: Promise<S3Client> | undefined;
  const make = async (): Promise<S3Client> => {
    const { S3Client } = await import("@aws-sdk/client-s3");
    return new S3Client({
      endpoint,
      region: options.region,
      forcePathStyle: true,
      credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey.reveal() },
      maxAttempts: ATTEMPTS_MAX,
      requestHandler: { connectionTimeout: CONNECT_MS_MAX, requestTimeout: REQUEST_MS_MAX },
      // Checksums of the SDK's own choosing would be signed into URLs, and not every server knows them.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
    });
  };
  return {
    get: () => client ??= make(),
    close: () => void client?.then((made) => made.destroy(), () => undefined),
  };
}

function translate(error: unknown, options: S3ObjectStoreOptions): Fault {
  const where = `bucket "${options.bucket}" at ${options.url}`;
  const problem = KEY_PROBLEMS[nameOf(error)];
  if (problem !== undefined) {
    const text = `Cannot use ${where}: ${problem}.`;
    return new Fault("failed_precondition", text, { publicMessage: text, cause: error });
  }
  const status = statusOf(error);
  if (status === 403 || status === 404 || status === 409) {
    const text = `Cannot use ${where}: it does not exist or the access key has no permission for it. ` +
      "Create it, or give the key s3:PutObject, s3:GetObject and s3:DeleteObject.";
    return new Fault("failed_precondition", text, { publicMessage: text, cause: error });
  }
  return new Fault("unavailable", `Cannot reach ${where}`, { cause: error });
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

/** The status of S3's answer, or `undefined` when none came. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}

function seconds(ms: number): number {
  return Math.min(EXPIRES_SECONDS_MAX, Math.max(1, Math.ceil(ms / 1_000)));
}
