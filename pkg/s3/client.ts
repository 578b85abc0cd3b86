import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { Clock } from "../clock/mod.ts";
import type { Secret } from "../config/mod.ts";

/** Keys from the settings. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** Of keys that live for a time. */
  readonly sessionToken?: Secret | undefined;
}

/** The encryption that an upload has to ask for. */
export interface S3Encryption {
  readonly algorithm: "AES256" | "aws:kms";
  /** Of `aws:kms`; the account's own key when absent. */
  readonly keyId?: string | undefined;
}

export interface S3Options extends Partial<S3Keys> {
  /** The endpoint as this process and the builder see it. */
  readonly url: string;
  /** The endpoint as clients see it; `url` when absent. Uploads are signed for its host. */
  readonly externalUrl?: string | undefined;
  readonly bucket: string;
  /** The place of the bucket's name in URLs; "path" when absent. */
  readonly style?: "path" | "host";
  /** Part of every signature: it must be the server's own. */
  readonly region: string;
  readonly encryption?: S3Encryption | undefined;
  /** Authorities to trust for the server's certificate, in PEM, beside the machine's. Asked once. */
  readonly authorities?: (() => Promise<string>) | undefined;
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
    const ca = await options.authorities?.();
    return new S3Client({
      endpoint,
      region: options.region,
      forcePathStyle: options.style !== "host",
      ...credentialsOf(options),
      maxAttempts: ATTEMPTS_MAX,
      requestHandler: {
        connectionTimeout: CONNECT_MS_MAX,
        requestTimeout: REQUEST_MS_MAX,
        ...(ca === undefined ? {} : { httpsAgent: { ca } }),
      },
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

/** Without keys the SDK looks for them where AWS's tools do, and renews those that end. */
function credentialsOf(
  { accessKeyId, secretAccessKey, sessionToken }: S3Options,
): Pick<S3ClientConfig, "credentials"> {
  if (accessKeyId === undefined || secretAccessKey === undefined) return {};
  const token = sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() };
  return { credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal(), ...token } };
}
