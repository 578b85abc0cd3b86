/** A real S3 server for one test. */
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import type { S3Options } from "../../pkg/s3/mod.ts";
import type { CertificateFiles } from "../../pkg/testkit/certificate.ts";
import { killChild } from "../../pkg/testkit/commands.ts";
import { eventually, freePort } from "./wait.ts";

/** Where `dev/parts/versitygw.sh` puts the S3 server; without it these tests are ignored. */
const HOME_CACHE = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
const CACHE = Deno.env.get("UNKEY_DEV_CACHE") ?? `${HOME_CACHE}/unkey-dev`;
const BINARY = `${CACHE}/bin/versitygw-1.8.0`;

export const S3_ABSENT = await Deno.stat(BINARY).then(() => false, () => true);

export const S3_KEYS = { accessKeyId: "tester", secretAccessKey: new Secret("tester's secret") };

export interface S3Server {
  /** With them it speaks TLS. */
  readonly tls?: CertificateFiles;
  /** The host that buckets' names are put before. */
  readonly virtualDomain?: string;
  /** With it `tool` makes further users. */
  readonly users?: boolean;
}

/** Takes the server away, and brings it back with its objects. */
export interface S3Switch {
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Runs `test` against a server of its own, which has no bucket yet. */
export async function onS3(
  test: (options: S3Options & typeof S3_KEYS, server: S3Switch) => Promise<void>,
  { tls, virtualDomain, users = false }: S3Server = {},
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-s3-" });
  const port = freePort();
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  for (const name of ["objects", "users"]) await Deno.mkdir(`${directory}/${name}`);
  const command = new Deno.Command(BINARY, {
    args: ["--region", "eu-test-1", "--port", `127.0.0.1:${port}`, "--quiet"].concat(
      tls === undefined ? [] : ["--cert", tls.certificate, "--key", tls.privateKey],
      virtualDomain === undefined ? [] : ["--virtual-domain", `${virtualDomain}:${port}`],
      users ? ["--iam-dir", `${directory}/users`] : [],
      ["posix", `${directory}/objects`],
    ),
    env: { ROOT_ACCESS_KEY: S3_KEYS.accessKeyId, ROOT_SECRET_KEY: S3_KEYS.secretAccessKey.reveal() },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  let server: Deno.ChildProcess | undefined;
  const start = async (): Promise<void> => {
    server = command.spawn();
    await eventually("the S3 server to listen", () => answers(port));
  };
  const stop = async (): Promise<void> => {
    if (server !== undefined) await killChild(server);
    server = undefined;
  };
  try {
    await start();
    const options = { url, bucket: "contexts", region: "eu-test-1", ...S3_KEYS, clock: systemClock() };
    await test(options, { start, stop });
  } finally {
    await stop();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs the server's own tool as its administrator. */
export async function administrateS3(url: string, args: readonly string[]): Promise<void> {
  const { accessKeyId, secretAccessKey } = S3_KEYS;
  const { success, stdout, stderr } = await new Deno.Command(BINARY, {
    args: ["admin", "--endpoint-url", url, "--region", "eu-test-1", "--access", accessKeyId].concat(
      ["--secret", secretAccessKey.reveal()],
      args,
    ),
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`versitygw admin: ${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}

async function answers(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
