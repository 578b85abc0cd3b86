import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import type { PresignPutOptions } from "../objectstore/mod.ts";
import type { S3Encryption } from "./client.ts";

/** The encryption of an upload: as input of the SDK, and as headers that the client has to send. */
export interface EncryptionParts {
  readonly input: Pick<PutObjectCommandInput, "ServerSideEncryption" | "SSEKMSKeyId">;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * S3 reads the encryption from headers only, not from the URL. A client that names neither size nor checksum is an old one,
 * which sends no headers: its uploads have the bucket's default.
 */
export function encryptionHeaders(
  encryption: S3Encryption | undefined,
  { sizeBytes, checksumSha256 }: PresignPutOptions,
): EncryptionParts {
  if (encryption === undefined || (sizeBytes === undefined && checksumSha256 === undefined)) {
    return { input: {}, headers: {} };
  }
  const { algorithm, keyId } = encryption;
  return {
    input: { ServerSideEncryption: algorithm, ...(keyId === undefined ? {} : { SSEKMSKeyId: keyId }) },
    headers: {
      "x-amz-server-side-encryption": algorithm,
      ...(keyId === undefined ? {} : { "x-amz-server-side-encryption-aws-kms-key-id": keyId }),
    },
  };
}
