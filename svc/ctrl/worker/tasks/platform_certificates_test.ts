import assert from "node:assert/strict";
import { platformWildcards } from "./platform_certificates.ts";

Deno.test("the platform wants a wildcard of its domain, and of each region below the regional one", () => {
  const domains = {
    defaultDomain: "apps.example.com",
    regionalDomain: "example.net",
    regions: ["eu", "us-east-1.aws"],
  };
  assert.deepEqual(platformWildcards(domains), [
    "*.apps.example.com",
    "*.eu.example.net",
    "*.us-east-1.aws.example.net",
  ]);
  assert.deepEqual(
    platformWildcards({ defaultDomain: "localhost", regionalDomain: undefined, regions: ["local"] }),
    [],
  );
});
