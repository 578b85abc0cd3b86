import assert from "node:assert/strict";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { type DomainParts, domainsOf } from "./domains.ts";

const PARTS: DomainParts = {
  deploymentId: "d_2gBnvQ",
  project: "shop",
  environment: "preview",
  workspace: "acme",
  apex: "unkey.app",
  commitSha: "0a1b2c3d4e5f",
  branch: "next",
};

Deno.test("domainsOf() names commit, branch and environment, and production's live host", () => {
  assert.deepEqual(domainsOf(PARTS).map(({ hostname, sticky }) => [hostname, sticky]), [
    ["shop-git-0a1b2c3-8376-acme.unkey.app", "none"],
    ["shop-git-next-acme.unkey.app", "branch"],
    ["shop-preview-acme.unkey.app", "environment"],
  ]);
  assert.deepEqual(
    domainsOf({ ...PARTS, environment: "production", branch: "main" }).map((each) => each.hostname),
    [
      "shop-git-0a1b2c3-8376-acme.unkey.app",
      "shop-production-git-main-acme.unkey.app",
      "shop-production-acme.unkey.app",
      "shop-acme.unkey.app",
    ],
  );
});

Deno.test("domainsOf() leaves out what is not known", () => {
  const domains = domainsOf({ ...PARTS, commitSha: "", branch: "" });
  assert.deepEqual(domains, [{ hostname: "shop-preview-acme.unkey.app", sticky: "environment" }]);
});

/** A name that changed between two runs of a step would leave the first one's route behind. */
Deno.test("domainsOf() gives each deployment of a commit its own name, the same one every time", () => {
  const first = domainsOf(PARTS)[0];
  assert.deepEqual(domainsOf(PARTS)[0], first);
  const other = domainsOf({ ...PARTS, deploymentId: "d_other" })[0];
  assert.notEqual(other?.hostname, first?.hostname);
  assert.match(other?.hostname ?? "", /^shop-git-0a1b2c3-\d{4}-acme\.unkey\.app$/);
  assert.match(other?.spare ?? "", /^shop-git-0a1b2c3-\d{4}-[0-9a-f]{8}-acme\.unkey\.app$/);
});

Deno.test("domainsOf() names a branch that has nothing to show by its hash", () => {
  const names = ["___", "...", "\u65e5\u672c"].map((branch) => domainsOf({ ...PARTS, branch })[1]?.hostname);
  for (const name of names) assert.match(name ?? "", /^shop-git-[0-9a-f]{8}-acme\.unkey\.app$/);
  assert.equal(new Set(names).size, names.length);
});

Deno.test("domainsOf() keeps labels within 63 bytes and names within 253, and long ones different", () => {
  const long = "p".repeat(40);
  const apex = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(40)}`;
  for (const each of ["unkey.app", apex]) {
    const one = domainsOf({ ...PARTS, project: long, branch: `${"x".repeat(70)}-1`, apex: each });
    const two = domainsOf({ ...PARTS, project: long, branch: `${"x".repeat(70)}-2`, apex: each });
    assert.notEqual(one[1]?.hostname, two[1]?.hostname);
    for (const { hostname, spare = hostname } of [...one, ...two]) {
      for (const name of [hostname, spare]) {
        assert.ok(name.length <= 253, name);
        for (const label of name.split(".")) assert.match(label, /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      }
    }
  }
});

Deno.test("domainsOf() refuses an apex that leaves no room", () => {
  const apex = `${"a".repeat(60)}.`.repeat(4) + "bcdef";
  assert.throws(() => domainsOf({ ...PARTS, apex }), (error) => isFault(error, "failed_precondition"));
});
