import type { Clock } from "../../../pkg/clock/mod.ts";
import { fieldName } from "../../../pkg/config/mod.ts";
import { OBJECT_STORE_FIELDS, type ObjectStoreConfig } from "../../../pkg/objectstore/mod.ts";
import type { S3Options } from "../../../pkg/s3/mod.ts";
import { readAuthorities } from "../../../pkg/tls/mod.ts";

/** The bucket that the settings name; `undefined` when they name none. */
export function s3Options(config: ObjectStoreConfig, clock: Clock): S3Options | undefined {
  const { buildS3Url: url, buildS3Bucket: bucket, buildS3CaFile: path, buildS3Encryption } = config;
  if (url === undefined || bucket === undefined) return undefined;
  const setting = fieldName(OBJECT_STORE_FIELDS.buildS3CaFile);
  return {
    url,
    bucket,
    clock,
    region: config.buildS3Region,
    style: config.buildS3Style,
    ...keysOf(config),
    ...(path === undefined ? {} : { authorities: () => readAuthorities({ path, setting }) }),
    ...(buildS3Encryption === "none"
      ? {}
      : { encryption: { algorithm: buildS3Encryption, keyId: config.buildS3KmsKeyId } }),
  };
}

/** None: the machine's or the pod's own. */
function keysOf(
  { buildS3AccessKeyId: id, buildS3AccessKeySecret: secretAccessKey, buildS3SessionToken: sessionToken }:
    ObjectStoreConfig,
): Partial<S3Options> {
  return id === undefined || secretAccessKey === undefined
    ? {}
    : { accessKeyId: id.reveal(), secretAccessKey, sessionToken };
}
