import assert from "node:assert/strict";
import { loadConfig, Secret } from "../../../../pkg/config/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { CERTIFICATE_FIELDS, certificateProblems } from "./certificates.ts";
import { DNS_FIELDS, dnsProblems, pairOf, tsigKeyOf } from "./dns.ts";

const readFile = (): never => assert.fail("no file is read");

/** The public text of a refusal; empty when the settings are taken. */
function refusal(load: () => unknown): string {
  try {
    load();
    return "";
  } catch (error) {
    assert.ok(error instanceof Fault);
    return error.publicMessage ?? "";
  }
}

function dns(env: Readonly<Record<string, string>>): string {
  const source = { flags: new Map(), env: (name: string) => env[name], readFile };
  return refusal(() => loadConfig(DNS_FIELDS, source, dnsProblems));
}

function certificates(env: Readonly<Record<string, string>>, hasVault = true): string {
  const vaultMasterKeys = hasVault ? "there" : undefined;
  return refusal(() =>
    loadConfig(
      CERTIFICATE_FIELDS,
      { flags: new Map(), env: (name) => env[name], readFile },
      (config) => certificateProblems({ ...config, vaultMasterKeys }),
    )
  );
}

const PROVIDER = "UNKEY_ACME_DNS_PROVIDER";
const SERVER = "UNKEY_ACME_DNS_SERVER";
const TSIG = "UNKEY_ACME_DNS_TSIG_KEY";

Deno.test("a DNS provider needs its own settings, and no others", async (t) => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{}, /^$/],
    [{ [PROVIDER]: "route53" }, /^$/],
    [{ [PROVIDER]: "rfc2136", [SERVER]: "192.0.2.1" }, /^$/],
    [{ [PROVIDER]: "rfc2136", [SERVER]: "[2001:db8::1]:5353", [TSIG]: "hmac-sha512:key.:c2VjcmV0" }, /^$/],
    [{ [PROVIDER]: "exec", UNKEY_ACME_DNS_PROGRAM: "/usr/bin/dns" }, /^$/],
    [{ [PROVIDER]: "cloudflare", UNKEY_ACME_DNS_CLOUDFLARE_TOKEN: "t" }, /^$/],
    [{ [PROVIDER]: "rfc2136" }, /ACME_DNS_SERVER.* is required with .* rfc2136/],
    [{ [PROVIDER]: "exec", [SERVER]: "192.0.2.1" }, /ACME_DNS_PROGRAM.* is required with .* exec/],
    [{ [PROVIDER]: "cloudflare" }, /ACME_DNS_CLOUDFLARE_TOKEN is required with .* cloudflare/],
    [{ [PROVIDER]: "RFC2136", [SERVER]: "192.0.2.1" }, /must be one of rfc2136, exec/],
    [{ [SERVER]: "192.0.2.1:70000" }, /must be an address/],
    [{ [SERVER]: "ns.example.com" }, /must be an address/],
    [{ UNKEY_ACME_DNS_NAMESERVERS: "192.0.2.1,192.0.2.2:53" }, /^$/],
    [{ UNKEY_ACME_DNS_NAMESERVERS: "192.0.2.1,ns2" }, /must be an address/],
    [{ UNKEY_ACME_DNS_ROUTE53_KEY: "AKIA" }, /must look like <access key id>/],
  ];
  for (const [env, expected] of cases) {
    await t.step(JSON.stringify(env), () => assert.match(dns(env), expected));
  }
});

Deno.test("a key for signed updates is found out at the start when it is none, and not shown", async (t) => {
  const good = "c2VjcmV0LXNlY3JldA==";
  const cases: readonly (readonly [string, boolean])[] = [
    [`hmac-sha256:key.example:${good}`, true],
    [`hmac-sha384:key:${good}`, true],
    [`hmac-md5:key:${good}`, false],
    [`HMAC-SHA256:key:${good}`, false],
    [`toString:key:${good}`, false],
    [`hmac-sha256::${good}`, false],
    ["hmac-sha256:key:", false],
    ["hmac-sha256:key:not base64", false],
    // The letters of base64 are not yet base64.
    ["hmac-sha256:key:abcde", false],
    ["hmac-sha256:key:c2Vj=", false],
    [good, false],
  ];
  for (const [text, isKey] of cases) {
    await t.step(text, () => {
      assert.equal(tsigKeyOf(new Secret(text)) !== undefined, isKey);
      const refused = dns({ [TSIG]: text });
      assert.equal(refused === "", isKey);
      assert.ok(!refused.includes(text), "no secret is in the text");
    });
  }
  const key = tsigKeyOf(new Secret(`hmac-sha384:key.example:${good}`));
  assert.deepEqual([key?.algorithm, key?.name, key?.secret.reveal()], ["hmac-sha384", "key.example", good]);
});

Deno.test("pairOf() cuts at the first colon", async (t) => {
  for (
    const [text, expected] of [
      ["id:key", ["id", "key"]],
      ["id:a:b", ["id", "a:b"]],
      [":key", undefined],
      ["id:", undefined],
      ["id", undefined],
    ] as const
  ) {
    await t.step(text, () => {
      const pair = pairOf(new Secret(text));
      assert.deepEqual(pair && [pair.id.reveal(), pair.key.reveal()], expected);
    });
  }
});

const DIRECTORY = "UNKEY_ACME_DIRECTORY_URL";
const ACCOUNTS = "UNKEY_ACME_EXTERNAL_ACCOUNTS";

Deno.test("directories are secure URLs, or on the machine itself", async (t) => {
  const cases: readonly (readonly [string, boolean])[] = [
    ["https://acme-v02.api.letsencrypt.org/directory", true],
    ["http://localhost:14000/dir", true],
    ["http://127.8.0.1:14000/dir", true],
    ["http://[::1]:14000/dir", true],
    ["http://ca.example/dir", false],
    ["http://localhost.example/dir", false],
    ["http://127.0.0.1.example/dir", false],
    ["ftp://localhost/dir", false],
    ["ca.example/dir", false],
    ["https://ca.example/dir,http://ca.example/dir", false],
  ];
  for (const [url, isTaken] of cases) {
    await t.step(url, () => assert.equal(certificates({ [DIRECTORY]: url }) === "", isTaken));
  }
});

Deno.test("accounts made elsewhere belong to directories by their order", async (t) => {
  const two = { [DIRECTORY]: "https://a.example/dir,https://b.example/dir" };
  const cases: readonly (readonly [string, RegExp])[] = [
    ["kid:a2V5", /^$/],
    ["kid:a2V5,kid-2:a2V5Xy0", /^$/],
    [",kid:a2V5", /^$/],
    ["kid:a2V5, ", /^$/],
    [" , kid:a2V5", /^$/],
    ["kid:a2V5,,kid:a2V5", /has more entries/],
    ["kid", /must have entries like/],
    ["kid:", /must have entries like/],
    [":a2V5", /must have entries like/],
    ["kid:a+b", /must have entries like/],
  ];
  for (const [accounts, expected] of cases) {
    await t.step(
      `"${accounts}"`,
      () => assert.match(certificates({ ...two, [ACCOUNTS]: accounts }), expected),
    );
  }
  await t.step("accounts without a directory", () => {
    assert.match(certificates({ [ACCOUNTS]: "kid:a2V5" }), /has more entries/);
  });
});

Deno.test("certificates need the keys that seal theirs", () => {
  const env = { [DIRECTORY]: "https://ca.example/dir" };
  assert.match(certificates(env, false), /UNKEY_VAULT_MASTER_KEYS is required/);
  assert.equal(certificates({}, false), "", "without certificates they are not needed");
});
