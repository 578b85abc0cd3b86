import assert from "node:assert/strict";
import { platformNames } from "./platform_certificates.ts";

const DOMAINS = {
  defaultDomain: "apps.example.com",
  regionalDomain: "example.net",
  regions: ["eu", "us-east-1.aws"],
  hosts: ["api.apps.example.com", "unkey.example.com"],
};

Deno.test("the platform wants a wildcard of its domain and of each region's, and hosts that they do not cover", () => {
  assert.deepEqual(platformNames(DOMAINS, true), [
    "*.apps.example.com",
    "*.eu.example.net",
    "*.us-east-1.aws.example.net",
    "unkey.example.com",
  ]);
  const local = { defaultDomain: "localhost", regionalDomain: undefined, regions: ["local"], hosts: [] };
  assert.deepEqual(platformNames(local, true), []);
});

Deno.test("a platform that cannot write to the DNS wants no wildcard, and all of its hosts", () => {
  assert.deepEqual(platformNames(DOMAINS, false), DOMAINS.hosts);
});
