/** A real S3 server for one test. */
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import type { S3Options } from "../../pkg/s3/mod.ts";
import { killChild } from "../../pkg/testkit/commands.ts";
import { eventually, freePort } from "./wait.ts";

/** Where `dev/parts/versitygw.sh` puts the S3 server; without it these tests are ignored. */
const HOME_CACHE = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
const CACHE = Deno.env.get("UNKEY_DEV_CACHE") ?? `${HOME_CACHE}/unkey-dev`;
const BINARY = `${CACHE}/bin/versitygw-1.8.0`;

export const S3_ABSENT = await Deno.stat(BINARY).then(() => false, () => true);

export const S3_KEYS = { accessKeyId: "tester", secretAccessKey: new Secret("tester's secret") };

/** Runs `test` against a server of its own, with an empty bucket. */
export async function onS3(test: (options: S3Options) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-s3-" });
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = new Deno.Command(BINARY, {
    args: ["--region", "eu-test-1", "--port", `127.0.0.1:${port}`, "--quiet", "posix", directory],
    env: { ROOT_ACCESS_KEY: S3_KEYS.accessKeyId, ROOT_SECRET_KEY: S3_KEYS.secretAccessKey.reveal() },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await eventually("the S3 server to listen", () => answers(url));
    await test({ url, bucket: "contexts", region: "eu-test-1", ...S3_KEYS, clock: systemClock() });
  } finally {
    await killChild(server);
    await Deno.remove(directory, { recursive: true });
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
