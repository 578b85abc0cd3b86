import assert from "node:assert/strict";
import { canonicalRegistryHost, parseRegistryHost } from "./host.ts";

Deno.test("parseRegistryHost() gives one form to every way of writing a registry", async (t) => {
  const cases: readonly (readonly [given: string, host: string])[] = [
    ["ghcr.io", "ghcr.io"],
    [" GHCR.io/ ", "ghcr.io"],
    ["https://ghcr.io", "ghcr.io"],
    ["https://registry.example.com:5000/v2/", "registry.example.com:5000"],
    ["registry.example.com/v1", "registry.example.com"],
    ["http://localhost:5000/", "localhost:5000"],
    ["localhost", "localhost"],
    ["registry:5000", "registry:5000"],
    ["10.0.0.1:443", "10.0.0.1:443"],
    ["docker.io", "docker.io"],
    ["index.docker.io", "docker.io"],
    ["registry-1.docker.io", "docker.io"],
    ["hub.docker.com", "docker.io"],
    ["https://index.docker.io/v1/", "docker.io"],
  ];
  for (const [given, host] of cases) {
    await t.step(given, () => assert.deepEqual(parseRegistryHost(given), { kind: "host", host }));
  }
});

Deno.test("parseRegistryHost() says which rule a text breaks, without the text", async (t) => {
  const cases: readonly (readonly [given: string, problem: RegExp])[] = [
    ["", /^must be a registry's host like/],
    ["ghcr.io/acme", /^must not have a path: .* host alone$/],
    ["https://ghcr.io/acme/", /^must not have a path/],
    ["https://user:s3cret@ghcr.io", /^must not contain a user name or password$/],
    ["acme", /^must have a dot or a port/],
    ["ghcr.io:0", /^must be a registry's host/],
    ["ghcr.io:70000", /^must be a registry's host/],
    ["ghcr.io:", /^must be a registry's host/],
    ["gh cr.io", /^must be a registry's host/],
    ["-a.io", /^must be a registry's host/],
    ["ghcr..io", /^must be a registry's host/],
    ["ftp://ghcr.io", /^must not have a path/],
    ["/".repeat(1_000_000), /^must be a registry's host/],
    [`${"a.".repeat(127)}io`, /^must be a registry's host/],
  ];
  for (const [given, expected] of cases) {
    await t.step(given.slice(0, 40), () => {
      const parsed = parseRegistryHost(given);
      assert.ok(parsed.kind === "problem");
      assert.match(parsed.problem, expected);
      assert.doesNotMatch(parsed.problem, /s3cret|acme/);
    });
  }
});

Deno.test("canonicalRegistryHost() leaves text that is no host as it is", () => {
  assert.equal(canonicalRegistryHost("registry-1.docker.io"), "docker.io");
  assert.equal(canonicalRegistryHost("[::1]:5000"), "[::1]:5000");
});
