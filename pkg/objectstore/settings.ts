import {
  choiceSchema,
  type ConfigOf,
  field,
  optionalUrlSchema,
  secretField,
  textSchema,
} from "../config/mod.ts";
import { secretProblem } from "../secret/mod.ts";

/** The settings of the store for build contexts, alike for all commands that use it. */
export const OBJECT_STORE_FIELDS = {
  buildS3Url: field({
    flag: "build-s3-url",
    env: "UNKEY_BUILD_S3_URL",
    placeholder: "<url>",
    help: "S3 endpoint for build contexts, as the control plane and the builder reach it.",
    schema: optionalUrlSchema(),
  }),
  buildS3Region: field({
    flag: "build-s3-region",
    env: "UNKEY_BUILD_S3_REGION",
    placeholder: "<region>",
    help: "Region of the S3 endpoint, part of every signature.",
    schema: textSchema("auto"),
  }),
  buildS3Bucket: field({
    flag: "build-s3-bucket",
    env: "UNKEY_BUILD_S3_BUCKET",
    placeholder: "<name>",
    help: "Bucket for build contexts.",
    schema: textSchema(),
  }),
  buildS3Style: field({
    flag: "build-s3-style",
    env: "UNKEY_BUILD_S3_STYLE",
    placeholder: "<path|host>",
    help: "Place of the bucket's name in URLs: path for most servers of one's own, host for AWS and others.",
    schema: choiceSchema(["path", "host"]),
  }),
  buildS3CaFile: field({
    flag: "build-s3-ca-file",
    env: "UNKEY_BUILD_S3_CA_FILE",
    placeholder: "<path>",
    help:
      "Authority to trust for the endpoint's certificate, in PEM, where it is not one that is trusted anyway.",
    schema: textSchema(),
  }),
  buildS3Encryption: field({
    flag: "build-s3-encryption",
    env: "UNKEY_BUILD_S3_ENCRYPTION",
    placeholder: "<none|AES256|aws:kms>",
    help: "Encryption that each upload has to ask for. None: the bucket's own default.",
    schema: choiceSchema(["none", "AES256", "aws:kms"]),
  }),
  buildS3KmsKeyId: field({
    flag: "build-s3-kms-key-id",
    env: "UNKEY_BUILD_S3_KMS_KEY_ID",
    placeholder: "<id>",
    help: "Key of aws:kms. Absent: the key of the account.",
    schema: textSchema(),
  }),
  buildS3Credentials: field({
    flag: "build-s3-credentials",
    env: "UNKEY_BUILD_S3_CREDENTIALS",
    placeholder: "<keys|chain>",
    help:
      "Keys: those of the two variables. Chain: as AWS's tools find them, also those of the machine or the pod.",
    schema: choiceSchema(["keys", "chain"]),
  }),
  buildS3AccessKeyId: secretField({
    env: "UNKEY_BUILD_S3_ACCESS_KEY_ID",
    help: "Access key of the bucket.",
    required: false,
  }),
  buildS3AccessKeySecret: secretField({
    env: "UNKEY_BUILD_S3_ACCESS_KEY_SECRET",
    help: "Secret of the access key.",
    required: false,
  }),
  buildS3SessionToken: secretField({
    env: "UNKEY_BUILD_S3_SESSION_TOKEN",
    help: "Session token of an access key that lives for a time.",
    required: false,
  }),
  buildFilesDir: field({
    flag: "build-files-dir",
    env: "UNKEY_BUILD_FILES_DIR",
    placeholder: "<folder>",
    help: "Folder for build contexts, instead of S3. Served by this process.",
    schema: textSchema(),
  }),
  buildFilesUrl: field({
    flag: "build-files-url",
    env: "UNKEY_BUILD_FILES_URL",
    placeholder: "<url>",
    help: "This process as the builder reaches it, for contexts in a folder.",
    schema: optionalUrlSchema(),
  }),
  buildFilesSigningKey: secretField({
    env: "UNKEY_BUILD_FILES_SIGNING_KEY",
    help:
      "Signs the URLs of contexts in a folder; all processes share it. Derived from the master keys when absent.",
    required: false,
  }),
};

export type ObjectStoreConfig = ConfigOf<typeof OBJECT_STORE_FIELDS>;

/** A problem per setting that is missing or does not go with another; for `loadConfig`. */
export function objectStoreProblems(config: ObjectStoreConfig): readonly string[] {
  const problems: string[] = [];
  const [s3, files] = [config.buildS3Url !== undefined, config.buildFilesDir !== undefined];
  if (s3 === files) {
    const both = s3 ? "both are set" : "neither is set";
    problems.push(
      `exactly one of --build-s3-url (UNKEY_BUILD_S3_URL) and --build-files-dir (UNKEY_BUILD_FILES_DIR) is needed: ${both}`,
    );
  }
  const weak = config.buildFilesSigningKey &&
    secretProblem(config.buildFilesSigningKey, "contexts of others can be read and replaced");
  if (weak !== undefined) problems.push(`UNKEY_BUILD_FILES_SIGNING_KEY ${weak}`);
  if (!s3) return problems;
  const keys = {
    "UNKEY_BUILD_S3_ACCESS_KEY_ID": config.buildS3AccessKeyId,
    "UNKEY_BUILD_S3_ACCESS_KEY_SECRET": config.buildS3AccessKeySecret,
  };
  const chained = config.buildS3Credentials === "chain";
  const needed = {
    "--build-s3-bucket (UNKEY_BUILD_S3_BUCKET)": config.buildS3Bucket,
    ...(chained ? {} : keys),
  };
  const given = Object.values({ ...keys, token: config.buildS3SessionToken });
  if (chained && given.some((value) => value !== undefined)) {
    problems.push(
      "UNKEY_BUILD_S3_ACCESS_KEY_ID and its companions do not go with --build-s3-credentials=chain " +
        "(UNKEY_BUILD_S3_CREDENTIALS): give one of the two",
    );
  }
  if (config.buildS3KmsKeyId !== undefined && config.buildS3Encryption !== "aws:kms") {
    problems.push(
      "--build-s3-kms-key-id (UNKEY_BUILD_S3_KMS_KEY_ID) needs --build-s3-encryption=aws:kms " +
        "(UNKEY_BUILD_S3_ENCRYPTION)",
    );
  }
  for (const [name, value] of Object.entries(needed)) {
    if (value === undefined) problems.push(`${name} is required with --build-s3-url (UNKEY_BUILD_S3_URL)`);
  }
  return problems;
}
