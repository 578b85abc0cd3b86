/** `unkey preflight` against the real parts: all well, then one of them wrong at a time. */
import assert from "node:assert/strict";
import { z } from "zod";
import { unkey } from "../../cmd/shared/testing.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { createS3ObjectStore, type S3Options } from "../../pkg/s3/mod.ts";
import { type CertificateFiles, makeCertificate } from "../../pkg/testkit/certificate.ts";
import { hasMysqlServer, mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { hasRegistry, REGISTRY_USER, TestRegistry } from "../../pkg/testkit/registry.ts";
import { restatePart } from "../testbed/restate.ts";
import { onS3, S3_ABSENT, S3_KEYS } from "../testbed/s3.ts";
import { freePort } from "../testbed/wait.ts";

type Env = Readonly<Record<string, string>>;
type Part = "api" | "worker";

const Printed = z.object({
  ready: z.boolean(),
  probes: z.array(z.object({
    subject: z.string(),
    outcome: z.string(),
    text: z.string(),
    advice: z.string().nullable(),
  })),
});

/** A wrong setting, and the only part whose answer then differs. */
interface Case {
  readonly part: Part;
  readonly env: Env;
  readonly subject: string;
  readonly want: RegExp;
}

function casesOf(right: Env): Readonly<Record<string, Case>> {
  const database = new URL(right["UNKEY_DATABASE_PRIMARY"] ?? "");
  database.password = "wrong";
  return {
    "a wrong password of the database": {
      part: "api",
      env: { UNKEY_DATABASE_PRIMARY: database.href },
      subject: "database",
      want: /^failed .*refuse/,
    },
    "a wrong secret of S3": {
      part: "api",
      env: { UNKEY_BUILD_S3_ACCESS_KEY_SECRET: "wrong" },
      subject: "object store",
      want: /^failed .*SignatureDoesNotMatch.*access key/,
    },
    "no bucket": {
      part: "api",
      env: { UNKEY_BUILD_S3_BUCKET: "none" },
      subject: "object store",
      want: /^warning Bucket "none" does not exist/,
    },
    "the ingress where the admin API is": {
      part: "api",
      env: { UNKEY_RESTATE_INGRESS_URL: right["UNKEY_RESTATE_ADMIN_URL"] ?? "" },
      subject: "restate ingress",
      want: /^failed .*answered 404/,
    },
    "a wrong password of the registry": {
      part: "worker",
      env: { UNKEY_REGISTRY_PASSWORD: "wrong" },
      subject: "registry",
      want: /^failed .*refuses these credentials.*UNKEY_REGISTRY_PASSWORD/,
    },
    "no builder": {
      part: "worker",
      env: { UNKEY_BUILDKIT_URL: "tcp://127.0.0.1:1", UNKEY_BUILD_BACKEND: "buildkit" },
      subject: "builder",
      want: /^failed .*--buildkit-url/,
    },
    "a key of another certificate": {
      part: "worker",
      env: { UNKEY_TLS_KEY_FILE: `${right["FOLDER"]}/authority.key` },
      subject: "certificate",
      want: /^failed .*is not that of the certificate/,
    },
    "no certificate authority": {
      part: "worker",
      env: { UNKEY_ACME_DIRECTORY_URL: "http://127.0.0.1:1/directory" },
      subject: "certificate authority 127.0.0.1:1",
      want: /^failed .*--acme-directory-url/,
    },
  };
}

async function look(part: Part, env: Env): Promise<{ ready: boolean; answers: ReadonlyMap<string, string> }> {
  const { code, stdout, stderr } = await unkey(["preflight", part, "--json"], { env, clock: systemClock() });
  assert.notEqual(stdout, "", stderr);
  const { ready, probes } = Printed.parse(JSON.parse(stdout));
  assert.equal(code, ready ? 0 : 1);
  const lines = probes.map(({ subject, outcome, text, advice }): [string, string] => {
    assert.equal(advice === null, outcome === "ok", `${subject}: each problem has an advice`);
    return [subject, `${outcome} ${text} ${advice ?? ""}`];
  });
  return { ready, answers: new Map(lines) };
}

function settings(
  options: { s3: S3Options; database: string; registry: string; files: CertificateFiles; folder: string },
  ports: { ingress: number; admin: number },
): Env {
  const { s3, database, registry, files, folder } = options;
  return {
    FOLDER: folder,
    UNKEY_DATABASE_PRIMARY: database,
    UNKEY_AUTH_TOKEN: "test-service-token-0123456789abcdef",
    UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
    UNKEY_RESTATE_INGRESS_URL: `http://127.0.0.1:${ports.ingress}`,
    UNKEY_RESTATE_ADMIN_URL: `http://127.0.0.1:${ports.admin}`,
    UNKEY_BUILD_S3_URL: s3.url,
    UNKEY_BUILD_S3_REGION: s3.region,
    UNKEY_BUILD_S3_BUCKET: s3.bucket,
    UNKEY_BUILD_S3_ACCESS_KEY_ID: S3_KEYS.accessKeyId,
    UNKEY_BUILD_S3_ACCESS_KEY_SECRET: S3_KEYS.secretAccessKey.reveal(),
    UNKEY_BUILD_NETWORK: "trusted",
    UNKEY_BUILD_SOURCES: "any",
    UNKEY_REGISTRY_URL: registry,
    UNKEY_REGISTRY_USERNAME: REGISTRY_USER.username,
    UNKEY_REGISTRY_PASSWORD: REGISTRY_USER.password.reveal(),
    UNKEY_HTTP_HOST: "127.0.0.1",
    UNKEY_HTTP_PORT: String(freePort()),
    UNKEY_WORKER_HTTP_PORT: String(freePort()),
    UNKEY_RESTATE_HTTP_PORT: String(freePort()),
    UNKEY_TLS_CERT_FILE: files.certificate,
    UNKEY_TLS_KEY_FILE: files.privateKey,
    UNKEY_CA_FILE: files.authority,
  };
}

Deno.test({
  name: "preflight checks the real parts, and reports each failing one",
  ignore: S3_ABSENT || !hasMysqlServer() || !hasRegistry(),
  fn: (t) =>
    onS3(async (s3) => {
      const folder = await Deno.makeTempDir({ prefix: "unkey-preflight-" });
      const ports = { ingress: freePort(), admin: freePort(), node: freePort() };
      const restate = await restatePart(folder, ports);
      const schema = await (await mysqlServer())?.createSchema();
      assert.ok(schema !== undefined);
      await using registry = await TestRegistry.start({ credentials: true });
      const store = createS3ObjectStore(s3);
      try {
        await restate.start();
        await store.ensureBucket();
        const database = schema.url.reveal();
        const files = await makeCertificate(folder, ["DNS:localhost"]);
        const right = settings({ s3, database, registry: registry.name, files, folder }, ports);
        const { code } = await unkey(["ctrl", "migrate"], { env: right });
        assert.equal(code, 0);
        for (const part of ["api", "worker"] as const) {
          await t.step(`${part}: all is well`, async () => {
            const { ready, answers } = await look(part, right);
            const others = [...answers.values()].filter((line) => !line.startsWith("ok "));
            assert.deepEqual([ready, others], [true, []]);
          });
        }
        for (const [name, { part, env, subject, want }] of Object.entries(casesOf(right))) {
          await t.step(`${part}: ${name}`, async () => {
            const { answers } = await look(part, { ...right, ...env });
            const wrong = [...answers].filter(([, line]) => !line.startsWith("ok "));
            assert.deepEqual(wrong.map(([each]) => each), [subject]);
            assert.match(wrong[0]?.[1] ?? "", want);
          });
        }
      } finally {
        store.close();
        await restate.kill("SIGKILL");
        await schema.drop();
        await Deno.remove(folder, { recursive: true });
      }
    }),
});
