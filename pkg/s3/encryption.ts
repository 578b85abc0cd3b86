import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import type { PresignPutOptions } from "../objectstore/mod.ts";
import type { S3Encryption } from "./client.ts";

/** An upload's wish for encryption: as the SDK takes it, and as the client has to send it. */
export interface EncryptionParts {
  readonly input: Pick<PutObjectCommandInput, "ServerSideEncryption" | "SSEKMSKeyId">;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * S3 takes the wish from headers only, not from the URL. A client that names neither size nor checksum is an old one, which sends
 * no headers: the bucket's default holds for it.
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
