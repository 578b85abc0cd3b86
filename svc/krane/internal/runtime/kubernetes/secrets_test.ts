import assert from "node:assert/strict";
import { registrySecret, variablesDigest, variablesSecret } from "./secrets.ts";
import { DESIRED, goldenTest, REGISTRY, settings } from "./testing_manifests.ts";

goldenTest("Secrets of variables and of the registry are those of the golden files", {
  "variables_secret": () => variablesSecret(DESIRED, { uid: "uid-1" }, settings()),
  "registry_secret": () => registrySecret("acme", REGISTRY, settings()),
});

Deno.test("variablesDigest() depends on each value, and not on their order", () => {
  const digest = (env: Record<string, string>) => variablesDigest({ ...DESIRED, env });
  assert.equal(digest({ A: "1", B: "2" }), digest({ B: "2", A: "1" }));
  assert.notEqual(digest({ A: "1", B: "2" }), digest({ A: "2", B: "1" }));
});
