import assert from "node:assert/strict";
import { ResourceVersions } from "./resource_versions.ts";

Deno.test("ResourceVersions refuses a change that is older than the known state, also of a removed resource", () => {
  const versions = new ResourceVersions();
  assert.equal(versions.take("a", 4, false), true);
  assert.equal(versions.take("a", 3, false), false);
  assert.equal(versions.take("a", 4, false), true, "the same again");
  assert.equal(versions.take("a", 5, true), true);
  assert.equal(versions.take("a", 4, false), false);
});

Deno.test("ResourceVersions takes version 0 always, and keeps the known version", () => {
  const versions = new ResourceVersions();
  versions.take("a", 4, false);
  assert.equal(versions.take("a", 0, false), true);
  assert.equal(versions.take("a", 3, false), false);
  assert.equal(versions.take("a", 5, false), true);
});

Deno.test("ResourceVersions refuses changes from before a snapshot that lacked their resource", () => {
  const versions = new ResourceVersions();
  versions.take("a", 4, false);
  versions.take("b", 5, false);
  versions.keepOnly(new Set(["b"]), 9);
  assert.equal(versions.take("a", 8, false), false);
  assert.equal(versions.take("b", 8, false), true);
});

/** Deployments come and go for months on one stream. */
Deno.test("ResourceVersions forgets the oldest of 10,000 removed resources", () => {
  const versions = new ResourceVersions();
  for (let n = 0; n <= 10_000; n++) versions.take(`r${n}`, 100, true);
  assert.equal(versions.take("r0", 1, false), true);
  assert.equal(versions.take("r1", 1, false), false);
});
