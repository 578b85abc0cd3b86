import assert from "node:assert/strict";
import { loadConfig, problemsOf } from "../../pkg/config/mod.ts";
import { API_FIELDS } from "../../svc/ctrl/api/config.ts";
import { WORKER_FIELDS, WORKER_RULES } from "../../svc/ctrl/worker/config/config.ts";
import { FRONTLINE_FIELDS } from "../../svc/frontline/config.ts";
import { UP_FIELDS, UP_RULES, type UpConfig } from "./config.ts";
import { dataFolder, newState } from "./data_folder.ts";
import { literalConfig } from "./literal.ts";
import { apiUrlOf, authorities, edgeUrlOf, placeOf, publicApiUrlOf } from "./place.ts";
import { apiSettings, edgeProcessSettings, edgeSettings, workerSettings } from "./settings.ts";

function configOf(
  flags: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): UpConfig {
  const sources = {
    flags: new Map(Object.entries(flags)),
    env: (name: string) => env[name],
    readFile: () => "",
  };
  return loadConfig(UP_FIELDS, sources, UP_RULES);
}

const RESTATE = { ingressUrl: "http://127.0.0.1:1", adminUrl: "http://127.0.0.1:1", identityKey: "" };
const SERVER = { domain: "Apps.Example.com.", email: "ops@example.com" };

Deno.test("the place of a platform follows from its settings", async (t) => {
  const local = { domain: "localhost", edgePort: 7070, edgeHttpsPort: undefined, apiHost: undefined };
  const server = {
    domain: "apps.example.com",
    edgePort: 80,
    edgeHttpsPort: 443,
    apiHost: "api.apps.example.com",
  };
  const cases = [
    { name: "a laptop", flags: {}, want: local, edge: "http://localhost:7070", api: undefined },
    {
      name: "a laptop with a port",
      flags: { "edge-port": "8000" },
      want: { ...local, edgePort: 8000 },
      edge: "http://localhost:8000",
      api: undefined,
    },
    {
      name: "a laptop with HTTPS",
      flags: { https: "true" },
      want: { ...local, edgeHttpsPort: 7443 },
      edge: "https://localhost:7443",
      api: undefined,
    },
    {
      name: "a server",
      flags: SERVER,
      want: server,
      edge: "https://apps.example.com",
      api: "https://api.apps.example.com",
    },
    {
      name: "a server with an api host of its own, behind a router",
      flags: {
        ...SERVER,
        "api-host": "unkey.example.com",
        "edge-https-port": "8443",
        "https-public-port": "443",
      },
      want: { ...server, edgeHttpsPort: 8443, apiHost: "unkey.example.com" },
      edge: "https://apps.example.com",
      api: "https://unkey.example.com",
    },
    {
      name: "a server with another port",
      flags: { ...SERVER, "edge-https-port": "8443" },
      want: { ...server, edgeHttpsPort: 8443 },
      edge: "https://apps.example.com:8443",
      api: "https://api.apps.example.com:8443",
    },
  ] as const;
  for (const { name, flags, want, edge, api } of cases) {
    await t.step(name, () => {
      const place = placeOf(configOf(flags));
      const { domain, edgePort, edgeHttpsPort, apiHost } = place;
      assert.deepEqual({ domain, edgePort, edgeHttpsPort, apiHost }, want);
      assert.equal(place.edgeHost === "127.0.0.1", domain === "localhost", place.edgeHost);
      assert.deepEqual([edgeUrlOf(place), publicApiUrlOf(place)], [edge, api]);
      assert.equal(apiUrlOf(place), "http://127.0.0.1:7091");
    });
  }
});

Deno.test("settings of a server that do not go together are refused, all at once", async (t) => {
  const cases: readonly (readonly [flags: Readonly<Record<string, string>>, problem: RegExp])[] = [
    [{ domain: "apps.example.com" }, /--email \(UNKEY_EMAIL\) is required with --domain/],
    [
      { domain: "localhost", email: "a@b.c" },
      /--domain \(UNKEY_DOMAIN\) must be a host name with at least one dot/,
    ],
    [{ domain: `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.de` }, /of at most 189 characters/],
    [{ ...SERVER, email: "nobody" }, /must be an e-mail address/],
    [{ "api-host": "api.example.com" }, /--api-host \(UNKEY_API_HOST\) needs --domain/],
    [{ "edge-https-port": "8443" }, /--edge-https-port .* needs --domain/],
    [{ ...SERVER, "api-host": "apps.example.com" }, /must be another name than --domain/],
    [{ ...SERVER, "public-address": "203.0.113.10,here" }, /must be IP addresses/],
    [{ ...SERVER, "acme-directory-url": "http://ca.example.com" }, /must be URLs with https/],
    [{ install: "true", uninstall: "true" }, /--install and --uninstall exclude each other/],
    [{ ...SERVER, https: "true" }, /--https \(UNKEY_UP_HTTPS\) is for a laptop/],
    [{ yes: "true" }, /--yes \(UNKEY_UP_YES\) belongs to --uninstall/],
  ];
  for (const [flags, problem] of cases) {
    await t.step(String(problem), () => assert.throws(() => configOf(flags), problem));
  }
});

function plan(config: UpConfig) {
  const ports = { restateIngress: 1, restateAdmin: 2, restateNode: 3, worker: 4, workerHealth: 5, krane: 6 };
  const state = {
    ...newState(ports),
    workspaceId: "ws_1",
    rootKey: "unkey_1",
    regionToken: "region_1",
    edgeToken: "region_2",
  };
  return { config, place: placeOf(config), folder: dataFolder("/var/lib/unkey"), state };
}

Deno.test("the parts of a server get names, authorities and certificates as its settings say", async (t) => {
  await t.step("certificates per name come from Let's Encrypt by default", () => {
    const server = plan(configOf(SERVER));
    const worker = literalConfig(WORKER_FIELDS, workerSettings(server, RESTATE));
    assert.deepEqual(problemsOf(WORKER_RULES, worker), []);
    assert.deepEqual(worker.acmeDirectoryUrl, ["https://acme-v02.api.letsencrypt.org/directory"]);
    assert.deepEqual([worker.acmeEmail, worker.defaultDomain], ["ops@example.com", "apps.example.com"]);
    assert.deepEqual(worker.platformHosts, ["api.apps.example.com"]);
    assert.equal(worker.imageSources, "public", "a server's users may not be its owner");
    const edge = literalConfig(FRONTLINE_FIELDS, edgeSettings(server));
    assert.deepEqual([edge.httpPort, edge.httpsPort, edge.httpsPublicPort], [80, 443, 443]);
    assert.deepEqual([edge.apiHost, edge.certificatesOnDemand], ["api.apps.example.com", true]);
    const api = literalConfig(API_FIELDS, apiSettings(server, RESTATE));
    assert.equal(
      api.buildFilesExternalUrl,
      "https://api.apps.example.com",
      "uploads come from other machines",
    );
    assert.deepEqual([api.defaultDomain, api.host], ["apps.example.com", "127.0.0.1"]);
  });
  await t.step(
    "api and worker know the proxies in front, and the addresses for names without a CNAME",
    () => {
      const flags = { ...SERVER, "trusted-proxies": "10.0.0.0/8", "public-address": "192.0.2.1" };
      const server = plan(configOf(flags));
      const api = literalConfig(API_FIELDS, apiSettings(server, RESTATE));
      assert.deepEqual([api.trustedProxies, api.domainAddresses], [["10.0.0.0/8"], ["192.0.2.1"]]);
      const worker = literalConfig(WORKER_FIELDS, workerSettings(server, RESTATE));
      assert.deepEqual(worker.domainAddresses, ["192.0.2.1"]);
    },
  );
  await t.step("a provider of DNS gives a wildcard, so that no single name is ordered", () => {
    const flags = { ...SERVER, "acme-dns-provider": "rfc2136", "acme-dns-server": "192.0.2.1" };
    const server = plan(configOf(flags, { UNKEY_ACME_DNS_TSIG_KEY: "hmac-sha256:k:c2VjcmV0" }));
    const worker = literalConfig(WORKER_FIELDS, workerSettings(server, RESTATE));
    assert.deepEqual([worker.acmeDnsProvider, worker.acmeDnsServer], ["rfc2136", "192.0.2.1"]);
    assert.equal(worker.acmeDnsTsigKey?.reveal(), "hmac-sha256:k:c2VjcmV0");
    assert.equal(literalConfig(FRONTLINE_FIELDS, edgeSettings(server)).certificatesOnDemand, false);
  });
  await t.step("a provider without its settings is refused before anything starts", () => {
    const server = plan(configOf({ ...SERVER, "acme-dns-provider": "cloudflare" }));
    const problems = problemsOf(
      WORKER_RULES,
      literalConfig(WORKER_FIELDS, workerSettings(server, RESTATE)),
    );
    assert.match(problems.join(), /UNKEY_ACME_DNS_CLOUDFLARE_TOKEN is required/);
  });
  await t.step("an edge of its own shows its metrics to this machine only", () => {
    const server = plan(configOf({ ...SERVER, "edge-prometheus-port": "9101" }));
    const settings = edgeProcessSettings(server);
    assert.deepEqual(
      [settings["UNKEY_PROMETHEUS_PORT"], settings["UNKEY_FRONTLINE_METRICS_FROM"]],
      ["9101", "127.0.0.0/8,::1"],
    );
    assert.equal(edgeProcessSettings(plan(configOf(SERVER)))["UNKEY_PROMETHEUS_PORT"], "0");
  });
  await t.step("a laptop has neither", () => {
    const laptop = plan(configOf({}));
    assert.deepEqual(authorities(laptop.config), []);
    const edge = literalConfig(FRONTLINE_FIELDS, edgeSettings(laptop));
    assert.deepEqual([edge.httpHost, edge.httpsPort, edge.apiHost], ["127.0.0.1", undefined, undefined]);
    assert.equal(literalConfig(WORKER_FIELDS, workerSettings(laptop, RESTATE)).imageSources, "any");
  });
});
