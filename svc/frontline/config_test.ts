import assert from "node:assert/strict";
import { loadConfig, problemsOf } from "../../pkg/config/mod.ts";
import { FRONTLINE_FIELDS, FRONTLINE_RULES, type FrontlineConfig } from "./config.ts";
import { networkMatcher } from "../../pkg/networks/mod.ts";

function load(extra: Record<string, string>): FrontlineConfig {
  const env: Record<string, string> = {
    UNKEY_CONTROL_PLANE_URL: "http://127.0.0.1:7091",
    UNKEY_CONTROL_PLANE_BEARER: "region_secret",
    UNKEY_REGION: "local",
    ...extra,
  };
  return loadConfig(FRONTLINE_FIELDS, { flags: new Map(), env: (name) => env[name], readFile: () => "" });
}

Deno.test("FRONTLINE_FIELDS has defaults for all but the control plane and the region", () => {
  const config = load({});
  assert.equal(config.httpPort, 7070);
  assert.equal(config.healthPort, undefined);
  assert.equal(config.stopDelayMs, 5_000);
  assert.equal(load({ UNKEY_FRONTLINE_STOP_DELAY_MS: "0" }).stopDelayMs, 0);
  assert.deepEqual(config.trustedProxies, []);
  const readsMetrics = networkMatcher(config.metricsFrom);
  for (
    const own of ["127.0.0.1", "10.244.1.7", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"]
  ) {
    assert.equal(readsMetrics(own), true, own);
  }
  for (const other of ["203.0.113.9", "172.32.0.1", "2001:db8::1", ""]) {
    assert.equal(readsMetrics(other), false, other);
  }
  assert.equal(String(config.controlPlaneBearer), "[secret]");
});

Deno.test("an edge needs both files of its certificate, and serves an API that is called without TLS only", () => {
  const problems = (extra: Record<string, string>) => problemsOf(FRONTLINE_RULES, load(extra));
  const https = { UNKEY_CONTROL_PLANE_URL: "https://api.internal:7091" };
  assert.deepEqual(problems({ ...https, UNKEY_CA_FILE: "ca.pem" }), []);
  assert.deepEqual(problems({ UNKEY_API_HOST: "api.example.com" }), []);
  assert.deepEqual(problems({ ...https, UNKEY_API_HOST: "api.example.com" }), [
    "--api-host (UNKEY_API_HOST) needs an http:// URL in --control-plane-url (UNKEY_CONTROL_PLANE_URL)",
  ]);
  assert.deepEqual(problems({ ...https, UNKEY_CLIENT_CERT_FILE: "cert.pem" }), [
    "--client-key-file (UNKEY_CLIENT_KEY_FILE) is required with --client-cert-file (UNKEY_CLIENT_CERT_FILE)",
  ]);
});

Deno.test("FRONTLINE_FIELDS refuses networks that are not valid", () => {
  assert.deepEqual(load({ UNKEY_TRUSTED_PROXIES: "10.0.0.0/8, ::1" }).trustedProxies, ["10.0.0.0/8", "::1"]);
  for (const bad of ["10.0.0.0/33", "example.com", "10.0.0.0/8/1", "10.0.0.0/-1"]) {
    assert.throws(() => load({ UNKEY_TRUSTED_PROXIES: bad }), /--trusted-proxies \(UNKEY_TRUSTED_PROXIES\)/);
  }
});

Deno.test("networkMatcher() matches addresses inside of networks, and no others", () => {
  const trusts = networkMatcher(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
  for (const inside of ["10.1.2.3", "192.0.2.7", "2001:db8::1"]) assert.equal(trusts(inside), true, inside);
  for (const outside of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "", "host"]) {
    assert.equal(trusts(outside), false, outside);
  }
  assert.equal(networkMatcher([])("127.0.0.1"), false);
});
