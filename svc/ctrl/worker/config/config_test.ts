import assert from "node:assert/strict";
import { loadConfig } from "../../../../pkg/config/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { depotPlatformOf, depotTokenOf } from "./depot.ts";
import { WORKER_FIELDS, WORKER_RULES, type WorkerConfig } from "./config.ts";

const MASTER_KEY = "bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q=";
const VALID: Readonly<Record<string, string>> = {
  UNKEY_DATABASE_PRIMARY: "sqlite::memory:",
  UNKEY_BUILD_FILES_DIR: "/tmp/objects",
  UNKEY_BUILD_FILES_URL: "http://127.0.0.1:7091",
  UNKEY_BUILD_FILES_SIGNING_KEY: "f0e1d2c3b4a5968778695a4b3c2d1e0f",
  UNKEY_BUILD_NETWORK: "trusted",
};

function load(env: Readonly<Record<string, string>>): WorkerConfig {
  const readFile = (): never => assert.fail("no file is read");
  return loadConfig(
    WORKER_FIELDS,
    { flags: new Map(), env: (name) => env[name], readFile },
    WORKER_RULES,
  );
}

function problems(env: Readonly<Record<string, string>>): string {
  try {
    load(env);
    return "";
  } catch (error) {
    assert.ok(error instanceof Fault);
    return error.publicMessage ?? "";
  }
}

Deno.test("a service token that can be guessed is refused", () => {
  assert.match(problems({ ...VALID, UNKEY_AUTH_TOKEN: "hunter2" }), /UNKEY_AUTH_TOKEN must have at least 24/);
  assert.equal(problems({ ...VALID, UNKEY_AUTH_TOKEN: "service-token-of-the-tests" }), "");
});

Deno.test("the defaults are those of the documentation", () => {
  const config = load(VALID);
  assert.deepEqual(
    [config.restateHttpPort, config.httpPort, config.availableRegions, config.defaultDomain, config.edgeUrl],
    [9080, 7092, ["local.dev"], "localhost", "http://localhost:7070"],
  );
  assert.deepEqual(
    [
      config.readySeconds,
      config.listenSeconds,
      config.buildMinutes,
      config.stopGraceSeconds,
      config.warmMinutes,
    ],
    [300, 60, 30, 120, 30],
  );
  assert.deepEqual([config.buildsMax, config.queueMinutes, config.queueAgeingSeconds], [2, 240, 600]);
  assert.deepEqual([config.imagesKept, config.imageReuseHours], [10, 24]);
});

Deno.test("every problem is named at once, with its setting", () => {
  const text = problems({
    UNKEY_BUILD_S3_URL: "http://s3",
    UNKEY_DEFAULT_DOMAIN: "Not A Domain",
    UNKEY_BUILD_BACKEND: "magic",
    UNKEY_RESTATE_HTTP_PORT: "99999",
  });
  for (
    const name of [
      "UNKEY_DATABASE_PRIMARY",
      "UNKEY_DEFAULT_DOMAIN",
      "UNKEY_BUILD_BACKEND",
      "UNKEY_RESTATE_HTTP_PORT",
    ]
  ) {
    assert.ok(text.includes(name), `${name} is missing in: ${text}`);
  }
});

Deno.test("settings that do not go together are refused", async (t) => {
  const without = (...names: readonly string[]): Record<string, string> =>
    Object.fromEntries(Object.entries(VALID).filter(([name]) => !names.includes(name)));
  const table: readonly [string, Record<string, string>, RegExp][] = [
    ["no store", without("UNKEY_BUILD_FILES_DIR"), /exactly one of .*: neither is set/],
    ["both stores", { ...VALID, UNKEY_BUILD_S3_URL: "http://s3" }, /both are set/],
    ["a bucket without keys", {
      ...without("UNKEY_BUILD_FILES_DIR"),
      UNKEY_BUILD_S3_URL: "http://s3",
    }, /UNKEY_BUILD_S3_ACCESS_KEY_SECRET is required/],
    ["a folder without an URL", without("UNKEY_BUILD_FILES_URL"), /--build-files-url .* is required/],
    [
      "a folder without a key",
      without("UNKEY_BUILD_FILES_SIGNING_KEY"),
      /UNKEY_BUILD_FILES_SIGNING_KEY is required/,
    ],
    ["a registry user without a password", {
      ...VALID,
      UNKEY_REGISTRY_URL: "r.example",
      UNKEY_REGISTRY_USERNAME: "ci",
    }, /UNKEY_REGISTRY_PASSWORD go together/],
    ["buildkit without an address and a registry", {
      ...VALID,
      UNKEY_BUILD_BACKEND: "buildkit",
    }, /--buildkit-url .* is required .*\n.*--registry-url .* is required/],
    ["depot without a token and a registry", {
      ...VALID,
      UNKEY_BUILD_BACKEND: "depot",
    }, /UNKEY_DEPOT_TOKEN is required .*\n.*--registry-url .* is required/],
    ["depot with the password of another registry", {
      ...VALID,
      UNKEY_BUILD_BACKEND: "depot",
      UNKEY_REGISTRY_URL: "registry.example.com",
      UNKEY_REGISTRY_USERNAME: "ci",
      UNKEY_REGISTRY_PASSWORD: "password",
    }, /UNKEY_DEPOT_TOKEN is required/],
    ["depot on a platform that it has not", {
      ...VALID,
      UNKEY_BUILD_BACKEND: "depot",
      UNKEY_DEPOT_TOKEN: "token",
      UNKEY_REGISTRY_URL: "r.example",
      UNKEY_BUILD_PLATFORM: "linux/riscv64",
    }, /--build-platform .* must be linux\/amd64 or linux\/arm64/],
    [
      "a platform that is none",
      { ...VALID, UNKEY_BUILD_PLATFORM: "amd64" },
      /--build-platform .* must be a platform/,
    ],
    ["a region that is none", { ...VALID, UNKEY_DEPOT_PROJECT_REGION: "US East" }, /must be a region like/],
    ["Depot's address without depot", {
      ...VALID,
      UNKEY_DEPOT_API_URL: "https://depot.example",
    }, /--depot-api-url .* is of no use without --build-backend depot/],
    ["an address that is none", { ...VALID, UNKEY_BUILDKIT_URL: "buildkitd:1234" }, /must look like tcp/],
    ["no region", { ...VALID, UNKEY_AVAILABLE_REGIONS: "," }, /names no region/],
  ];
  for (const [name, env, text] of table) {
    await t.step(name, () => assert.match(problems(env), text));
  }
});

Deno.test("Depot takes its own token, or the password of its registry", async (t) => {
  const registry = {
    UNKEY_REGISTRY_URL: "registry.depot.dev/org",
    UNKEY_REGISTRY_USERNAME: "x-token",
    UNKEY_REGISTRY_PASSWORD: "of-the-registry",
  };
  const table: readonly [string, Record<string, string>, string | undefined, string | undefined][] = [
    ["its registry", registry, "of-the-registry", "amd64"],
    ["both", { ...registry, UNKEY_DEPOT_TOKEN: "its-own" }, "its-own", "amd64"],
    [
      "another registry",
      {
        UNKEY_REGISTRY_URL: "registry.example.com",
        UNKEY_DEPOT_TOKEN: "its-own",
        UNKEY_BUILD_PLATFORM: "/linux/arm64",
      },
      "its-own",
      "arm64",
    ],
  ];
  for (const [name, env, token, platform] of table) {
    await t.step(name, () => {
      const config = load({ ...VALID, UNKEY_BUILD_BACKEND: "depot", ...env });
      assert.deepEqual([depotTokenOf(config)?.reveal(), depotPlatformOf(config)], [token, platform]);
    });
  }
  const { buildPlatform, depotProjectRegion } = load(VALID);
  assert.deepEqual([buildPlatform, depotProjectRegion], [undefined, "us-east-1"]);
});

/** Any client that reaches the port could otherwise deploy, roll back and delete for every workspace. */
Deno.test("a worker beyond loopback needs Restate's keys, unless its network is trusted", () => {
  assert.equal(load(VALID).host, "127.0.0.1");
  const key = "publickeyv1_8EUza3vceooVp3tukTyJTGKS4YTNQ2UKiJoRDC1U7Zfj";
  for (const host of ["0.0.0.0", "::", "10.1.2.3", "worker.internal", "127.0.0.1.example.com"]) {
    const open = { ...VALID, UNKEY_WORKER_HOST: host };
    assert.match(
      problems(open),
      /--restate-identity-keys \(UNKEY_RESTATE_IDENTITY_KEYS\) is required when --host .*--restate-trusted-network/,
    );
    assert.equal(problems({ ...open, UNKEY_RESTATE_TRUSTED_NETWORK: "true" }), "");
    assert.deepEqual(load({ ...open, UNKEY_RESTATE_IDENTITY_KEYS: `${key}, ${key}` }).restateIdentityKeys, [
      key,
      key,
    ]);
  }
  for (const host of ["127.0.0.1", "127.8.9.10", "localhost", "::1"]) {
    assert.equal(problems({ ...VALID, UNKEY_WORKER_HOST: host }), "");
  }
  const wrong = problems({
    ...VALID,
    UNKEY_RESTATE_IDENTITY_KEYS: `${key},8EUza3vceooVp3tukTyJTGKS4YTNQ2UKiJoR`,
  });
  assert.match(wrong, /--restate-identity-keys .* must be keys that look like publickeyv1_/);
});

Deno.test("a worker with a certificate needs its key, and an https:// URL for Restate", () => {
  const env = { ...VALID, UNKEY_TLS_CERT_FILE: "cert.pem" };
  assert.match(problems(env), /--tls-key-file \(UNKEY_TLS_KEY_FILE\) is required with --tls-cert-file/);
  const both = { ...env, UNKEY_TLS_KEY_FILE: "key.pem" };
  assert.equal(problems(both), "");
  assert.equal(problems({ ...both, UNKEY_RESTATE_REGISTER_AS: "https://worker.internal:9080" }), "");
  assert.match(
    problems({ ...both, UNKEY_RESTATE_REGISTER_AS: "http://worker.internal:9080" }),
    /--restate-register-as \(UNKEY_RESTATE_REGISTER_AS\) must begin with https:\/\/ with --tls-cert-file/,
  );
});

Deno.test("sentinels need the master keys, for their credentials", () => {
  const text = problems({ ...VALID, UNKEY_SENTINEL_IMAGE: "unkey:1" });
  assert.match(text, /UNKEY_VAULT_MASTER_KEYS is required with --sentinel-image/);
  const env = { ...VALID, UNKEY_SENTINEL_IMAGE: "unkey:1", UNKEY_VAULT_MASTER_KEYS: "key" };
  const { sentinelReplicasProduction, sentinelReplicas, sentinelImage } = load(env);
  assert.deepEqual([sentinelReplicasProduction, sentinelReplicas, sentinelImage], [3, 1, "unkey:1"]);
});

Deno.test("builds of a Docker Engine need a network that is trusted explicitly", () => {
  const { UNKEY_BUILD_NETWORK: _network, ...untrusted } = VALID;
  assert.match(problems(untrusted), /--build-backend docker .* needs --build-network trusted/);
});

Deno.test("the certificate of a BuildKit daemon comes with its key", () => {
  const half = { ...VALID, UNKEY_BUILDKIT_CERTIFICATE_FILE: "/c.pem" };
  assert.match(problems(half), /--buildkit-certificate-file .* go together: only one is set/);
  assert.match(
    problems({ ...VALID, UNKEY_BUILDKIT_CA_FILE: "/ca.pem" }),
    /--buildkit-ca-file .* is of no use/,
  );
});

Deno.test("settings of certificates go together, and no text has a secret", () => {
  const acme = {
    ...VALID,
    UNKEY_ACME_DIRECTORY_URL: "https://ca.example/dir",
    UNKEY_VAULT_MASTER_KEYS: MASTER_KEY,
  };
  assert.equal(problems(acme), "");
  const text = problems({
    ...VALID,
    UNKEY_ACME_DIRECTORY_URL: "https://ca.example/dir",
    UNKEY_ACME_EXTERNAL_ACCOUNTS: "kid:s3cret!,kid2:key",
    UNKEY_ACME_DNS_PROVIDER: "rfc2136",
    UNKEY_ACME_DNS_TSIG_KEY: "md5:name:c2VjcmV0",
    UNKEY_ACME_DNS_ROUTE53_KEY: "n0colon",
  });
  for (
    const part of [
      /UNKEY_VAULT_MASTER_KEYS is required with --acme-directory-url/,
      /UNKEY_ACME_EXTERNAL_ACCOUNTS has more entries/,
      /UNKEY_ACME_EXTERNAL_ACCOUNTS must have entries like/,
      /--acme-dns-server \(UNKEY_ACME_DNS_SERVER\) is required with .* rfc2136/,
      /UNKEY_ACME_DNS_TSIG_KEY must look like/,
      /UNKEY_ACME_DNS_ROUTE53_KEY must look like/,
    ]
  ) assert.match(text, part);
  assert.doesNotMatch(text, /s3cret|c2VjcmV0|n0colon/);
  for (
    const [setting, value] of [
      ["UNKEY_ACME_DIRECTORY_URL", "http://ca.example/dir"],
      ["UNKEY_ACME_EMAIL", "nobody"],
      ["UNKEY_ACME_DNS_PROVIDER", "magic"],
      ["UNKEY_ACME_DNS_RESOLVER", "resolver.example"],
      ["UNKEY_REGIONAL_APEX_DOMAIN", "Not A Domain"],
    ] as const
  ) assert.match(problems({ ...acme, [setting]: value }), new RegExp(setting));
});
