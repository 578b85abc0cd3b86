import assert from "node:assert/strict";
import { loadConfig } from "../../pkg/config/mod.ts";
import { hstsValue, HTTPS_FIELDS, type HttpsConfig } from "./config_https.ts";

function load(env: Readonly<Record<string, string>>): HttpsConfig {
  return loadConfig(HTTPS_FIELDS, { flags: new Map(), env: (name) => env[name], readFile: () => "" });
}

Deno.test("HTTPS_FIELDS: without a setting there is no TLS and no HSTS, and redirects begin with a certificate", () => {
  const config = load({});
  assert.equal(config.httpsPort, undefined);
  assert.equal(config.httpsPublicPort, 443);
  assert.equal(config.httpsRedirect, true);
  assert.equal(hstsValue(config), undefined);
});

Deno.test("hstsValue() says what is set, and nothing at all for 0 seconds", async (t) => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string | undefined])[] = [
    [{ UNKEY_HSTS_SECONDS: "300" }, "max-age=300"],
    [{ UNKEY_HSTS_SECONDS: "63072000" }, "max-age=63072000"],
    [{ UNKEY_HSTS_SECONDS: "1", UNKEY_HSTS_SUB_DOMAINS: "true" }, "max-age=1; includeSubDomains"],
    [{ UNKEY_HSTS_SECONDS: "1", UNKEY_HSTS_PRELOAD: "true" }, "max-age=1; preload"],
    [
      { UNKEY_HSTS_SECONDS: "1", UNKEY_HSTS_SUB_DOMAINS: "true", UNKEY_HSTS_PRELOAD: "true" },
      "max-age=1; includeSubDomains; preload",
    ],
    [{ UNKEY_HSTS_SECONDS: "0", UNKEY_HSTS_SUB_DOMAINS: "true", UNKEY_HSTS_PRELOAD: "true" }, undefined],
    [{ UNKEY_HSTS_SUB_DOMAINS: "true" }, undefined],
  ];
  for (const [env, want] of cases) {
    await t.step(JSON.stringify(env), () => assert.equal(hstsValue(load(env)), want));
  }
});

Deno.test("HTTPS_FIELDS refuses what is out of range, and names the setting", async (t) => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    UNKEY_HSTS_SECONDS: ["-1", "63072001", "1.5", "a year"],
    UNKEY_HTTPS_PORT: ["-1", "65536", "https"],
    UNKEY_HTTPS_PUBLIC_PORT: ["65536", "-1"],
    UNKEY_HTTPS_REDIRECT: ["perhaps"],
  };
  for (const [name, values] of Object.entries(cases)) {
    for (const value of values) {
      await t.step(`${name}=${value}`, () => assert.throws(() => load({ [name]: value }), new RegExp(name)));
    }
  }
});
