/** The settings of a bucket, against a real S3 server: style, rights, TLS, encryption, credentials. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { createS3ObjectStore, type S3ObjectStore, type S3Options } from "../../pkg/s3/mod.ts";
import { makeCertificate } from "../../pkg/testkit/certificate.ts";
import { administrateS3, onS3, S3_ABSENT, S3_KEYS } from "../testbed/s3.ts";
import { freePort } from "../testbed/wait.ts";
import { send } from "./objectstore_suite.ts";

const EXPIRES = { expiresInMs: 60_000 };
const BODY = new Uint8Array(3);
const CHECKSUM = "cJ4OMLvlRV8m1WEIS04ZyMgT90oPVy7S4RUZj8WQRsg=";

async function use<T>(options: S3Options, fn: (store: S3ObjectStore) => Promise<T>): Promise<T> {
  const store = createS3ObjectStore(options);
  try {
    return await fn(store);
  } finally {
    store.close();
  }
}

Deno.test({
  name: "S3 store: with host style, the bucket's name is before the endpoint's, and signatures hold",
  ignore: S3_ABSENT,
  fn: () =>
    onS3(async (options) => {
      await use(options, (store) => store.ensureBucket());
      const { port } = new URL(options.url);
      await use({ ...options, url: `http://s3.test:${port}`, style: "host" }, async (store) => {
        const put = await store.presignPut("a/b", EXPIRES);
        assert.equal(new URL(put.url).host, `contexts.s3.test:${port}`);
        assert.equal(new URL(put.url).pathname, "/a/b");
        assert.equal(await sendTo(put.url, "PUT", BODY), 200);
        assert.equal(await sendTo(await store.presignGet("a/b", EXPIRES), "GET"), 200);
      });
      await use(options, async (store) => assert.deepEqual(await store.head("a/b"), { sizeBytes: 3 }));
    }, { virtualDomain: "s3.test" }),
});

Deno.test({
  name:
    "S3 store: a key without the right to create buckets uses an existing one, and a missing one is an error",
  ignore: S3_ABSENT,
  fn: () =>
    onS3(async (options) => {
      const keys = { accessKeyId: "plain", secretAccessKey: new Secret("plain's secret") };
      await administrateS3(options.url, ["create-user", "-a", "plain", "-s", "plain's secret", "-r", "user"]);
      await assert.rejects(use({ ...options, ...keys }, (store) => store.ensureBucket()), {
        code: "failed_precondition",
        publicMessage: /Cannot use bucket "contexts" at .*does not exist.*[Cc]reate/,
      });
      await use(options, (store) => store.ensureBucket());
      const owner = ["change-bucket-owner", "--bucket", "contexts", "--owner", "plain"];
      await administrateS3(options.url, owner);
      await use({ ...options, ...keys }, async (store) => {
        await store.ensureBucket();
        const put = await store.presignPut("a/b", EXPIRES);
        assert.equal((await send("PUT", put.url, { body: BODY })).status, 200);
        assert.deepEqual(await store.head("a/b"), { sizeBytes: 3 });
      });
    }, { users: true }),
});

Deno.test({
  name: "S3 store: an authority of one's own is trusted for calls and for what URLs lead to",
  ignore: S3_ABSENT,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "unkey-s3-tls-" });
    try {
      const tls = await makeCertificate(folder, ["IP:127.0.0.1"]);
      await onS3(async (options) => {
        await assert.rejects(use(options, (store) => store.ensureBucket()), { code: "unavailable" });
        const authorities = () => Deno.readTextFile(tls.authority);
        await use({ ...options, authorities }, async (store) => {
          await store.ensureBucket();
          const get = await store.presignGet("a/b", EXPIRES);
          assert.ok(store.fetch !== undefined);
          const response = await store.fetch(get);
          assert.equal(response.status, 404, await response.text());
        });
      }, { tls });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "S3 store: an upload has to ask for the encryption that the settings name",
  ignore: S3_ABSENT,
  fn: () =>
    onS3(async (options) => {
      const encryption = { algorithm: "aws:kms", keyId: "key-1" } as const;
      await use({ ...options, encryption }, async (store) => {
        await store.ensureBucket();
        const { url, headers } = await store.presignPut("a/b", {
          sizeBytes: 3,
          checksumSha256: CHECKSUM,
          ...EXPIRES,
        });
        const asked = {
          "x-amz-server-side-encryption": "aws:kms",
          "x-amz-server-side-encryption-aws-kms-key-id": "key-1",
        };
        assert.deepEqual(
          Object.fromEntries(Object.entries(headers).filter(([name]) => name in asked)),
          asked,
        );
        const signed = new URL(url).searchParams.get("X-Amz-SignedHeaders")?.split(";") ?? [];
        for (const name of Object.keys(asked)) assert.ok(signed.includes(name), name);
        const others = Object.fromEntries(Object.entries(headers).filter(([name]) => !(name in asked)));
        const without = await send("PUT", url, { body: BODY, headers: others });
        assert.equal(without.status, 403, "the signature holds with these headers only");

        const old = await store.presignPut("a/c", EXPIRES);
        assert.deepEqual(old.headers, {}, "clients from before sizes send no headers");
        assert.equal((await send("PUT", old.url, { body: BODY })).status, 200);
      });
    }),
});

Deno.test("S3 store: a session token is a part of what is signed", async () => {
  const options = {
    url: "http://127.0.0.1:1",
    bucket: "contexts",
    region: "eu-test-1",
    clock: systemClock(),
  };
  await use({ ...options, ...S3_KEYS, sessionToken: new Secret("for a time") }, async (store) => {
    const { url } = await store.presignPut("a/b", EXPIRES);
    assert.equal(new URL(url).searchParams.get("X-Amz-Security-Token"), "for a time");
  });
});

/** The service of AWS that a pod asks for its credentials. */
Deno.test("S3 store: without keys, the credentials are those of the pod; without those, a text says so", async () => {
  const asked: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => undefined }, (request) => {
    asked.push(request.headers.get("authorization") ?? "");
    return Response.json({
      AccessKeyId: "FROMTHEPOD",
      SecretAccessKey: "secret",
      Token: "token of the pod",
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    });
  });
  const script = `
    import { systemClock } from "${new URL("../../pkg/clock/mod.ts", import.meta.url)}";
    import { createS3ObjectStore } from "${new URL("../../pkg/s3/mod.ts", import.meta.url)}";
    const store = createS3ObjectStore(
      { url: "http://127.0.0.1:1", bucket: "contexts", region: "eu-test-1", clock: systemClock() },
    );
    const url = await store.presignGet("a/b", { expiresInMs: 60_000 }).catch((error) => error.publicMessage);
    console.log(url);
    store.close();`;
  try {
    const podUrl = `http://127.0.0.1:${server.addr.port}/`;
    const pod = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: podUrl,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "of the pod",
    };
    const { searchParams } = new URL(await run(script, pod));
    assert.match(searchParams.get("X-Amz-Credential") ?? "", /^FROMTHEPOD\//);
    assert.equal(searchParams.get("X-Amz-Security-Token"), "token of the pod");
    assert.deepEqual(asked, ["of the pod"]);
    assert.match(
      await run(script, { AWS_EC2_METADATA_DISABLED: "true" }),
      /Cannot use bucket "contexts".*no credentials were found: give the process an access key/,
    );
  } finally {
    await server.shutdown();
  }
});

Deno.test({
  name: "S3 store: old versions end by a rule of the bucket, unless it has rules or takes none",
  ignore: S3_ABSENT,
  fn: async () => {
    await onS3((options) =>
      use(options, async (store) => {
        assert.equal(await store.ensureBucket(), true);
        assert.equal(await store.ensureBucket(), false, "a bucket that is there is not ours");
        // This server has no lifecycles; nothing depends on them.
        assert.equal(await store.endOldVersions(), "refused");
      })
    );
    const rules = { text: "" };
    const server = Deno.serve(
      { port: freePort(), hostname: "127.0.0.1", onListen: () => undefined },
      async (call) => {
        if (call.method === "PUT") {
          rules.text = await call.text();
          return new Response();
        }
        return rules.text === ""
          ? new Response("<Error><Code>NoSuchLifecycleConfiguration</Code></Error>", { status: 404 })
          : new Response(rules.text);
      },
    );
    try {
      const url = `http://127.0.0.1:${server.addr.port}`;
      await use(
        { url, bucket: "contexts", region: "eu-test-1", ...S3_KEYS, clock: systemClock() },
        async (store) => {
          assert.equal(await store.endOldVersions(), "set");
          assert.match(rules.text, /<NoncurrentDays>1<\/NoncurrentDays>/);
          assert.match(rules.text, /<DaysAfterInitiation>1<\/DaysAfterInitiation>/);
          assert.doesNotMatch(rules.text, /<Days>/, "objects that are used are not ended by their age");
          assert.equal(await store.endOldVersions(), "kept");
        },
      );
    } finally {
      await server.shutdown();
    }
  },
});

/** Sends to this machine what is for a host of no DNS. */
function sendTo(url: string, method: string, body?: Uint8Array): Promise<number> {
  const { host, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port, path: pathname + search, method, headers: { host } },
      (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode ?? 0));
      },
    );
    call.on("error", reject);
    if (body !== undefined) call.setHeader("content-length", body.length);
    call.end(body);
  });
}

/** Runs a script with these variables and an empty home folder, and returns its output. */
async function run(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", "--config", config, "-"],
    env: { ...env, HOME: "/nowhere" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout).trim() || new TextDecoder().decode(stderr);
}
