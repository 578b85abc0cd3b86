import type { S3Client } from "@aws-sdk/client-s3";
import type { Clock } from "../clock/mod.ts";
import type { Secret } from "../config/mod.ts";

export interface S3Options {
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

const CONNECT_MS_MAX = 5_000;
const REQUEST_MS_MAX = 30_000;
const ATTEMPTS_MAX = 3;

/** A client that is made at its first use. */
export interface LazyClient {
  get(): Promise<S3Client>;
  close(): void;
}

export function lazyClient(options: S3Options, endpoint: string): LazyClient {
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
