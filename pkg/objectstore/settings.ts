import { type ConfigOf, field, optionalUrlSchema, secretField, textSchema } from "../config/mod.ts";

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
  if (!s3) return problems;
  const needed = {
    "--build-s3-bucket (UNKEY_BUILD_S3_BUCKET)": config.buildS3Bucket,
    "UNKEY_BUILD_S3_ACCESS_KEY_ID": config.buildS3AccessKeyId,
    "UNKEY_BUILD_S3_ACCESS_KEY_SECRET": config.buildS3AccessKeySecret,
  };
  for (const [name, value] of Object.entries(needed)) {
    if (value === undefined) problems.push(`${name} is required with --build-s3-url (UNKEY_BUILD_S3_URL)`);
  }
  return problems;
}
