import assert from "node:assert/strict";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { loadConfig } from "../../../pkg/config/mod.ts";
import {
  OBJECT_STORE_FIELDS,
  type ObjectStoreConfig,
  objectStoreProblems,
} from "../../../pkg/objectstore/mod.ts";
import { s3Options } from "./s3_options.ts";

const clock = systemClock();
const BUCKET = { UNKEY_BUILD_S3_URL: "https://s3.example", UNKEY_BUILD_S3_BUCKET: "contexts" };
const KEYS = { UNKEY_BUILD_S3_ACCESS_KEY_ID: "id", UNKEY_BUILD_S3_ACCESS_KEY_SECRET: "secret" };

function config(env: Readonly<Record<string, string>>): ObjectStoreConfig {
  return loadConfig(
    OBJECT_STORE_FIELDS,
    { flags: new Map(), env: (name) => env[name], readFile: () => "" },
    objectStoreProblems,
  );
}

Deno.test("s3Options() has path style, no encryption and the given keys by default", () => {
  const options = s3Options(config({ ...BUCKET, ...KEYS }), clock);
  assert.ok(options !== undefined);
  const { secretAccessKey, ...others } = options;
  assert.equal(secretAccessKey?.reveal(), "secret");
  assert.deepEqual(others, {
    url: "https://s3.example",
    bucket: "contexts",
    clock,
    region: "auto",
    style: "path",
    accessKeyId: "id",
    sessionToken: undefined,
  });
  assert.equal(s3Options(config({ UNKEY_BUILD_FILES_DIR: "/data" }), clock), undefined);
});

Deno.test("s3Options() takes style, encryption and a token, and no keys for those of the machine", () => {
  const asked = config({
    ...BUCKET,
    ...KEYS,
    UNKEY_BUILD_S3_STYLE: "host",
    UNKEY_BUILD_S3_ENCRYPTION: "aws:kms",
    UNKEY_BUILD_S3_KMS_KEY_ID: "key-1",
    UNKEY_BUILD_S3_SESSION_TOKEN: "token",
  });
  const options = s3Options(asked, clock);
  assert.equal(options?.style, "host");
  assert.deepEqual(options?.encryption, { algorithm: "aws:kms", keyId: "key-1" });
  assert.equal(options?.sessionToken?.reveal(), "token");
  const chained = s3Options(config({ ...BUCKET, UNKEY_BUILD_S3_CREDENTIALS: "chain" }), clock);
  assert.deepEqual([chained?.accessKeyId, chained?.secretAccessKey], [undefined, undefined]);
});

Deno.test("settings of the bucket that do not go together are problems", () => {
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [BUCKET, /UNKEY_BUILD_S3_ACCESS_KEY_ID is required/],
    [
      { ...BUCKET, ...KEYS, UNKEY_BUILD_S3_CREDENTIALS: "chain" },
      /do not go with --build-s3-credentials=chain/,
    ],
    [{ ...BUCKET, ...KEYS, UNKEY_BUILD_S3_KMS_KEY_ID: "k" }, /needs --build-s3-encryption=aws:kms/],
    [{ ...BUCKET, ...KEYS, UNKEY_BUILD_S3_STYLE: "dns" }, /UNKEY_BUILD_S3_STYLE\) must be path or host/],
    [{ ...BUCKET, ...KEYS, UNKEY_BUILD_S3_ENCRYPTION: "x" }, /must be none, AES256 or aws:kms/],
  ];
  for (const [env, text] of cases) assert.throws(() => config(env), { message: text });
});
