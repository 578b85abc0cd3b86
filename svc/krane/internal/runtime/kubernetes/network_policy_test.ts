import assert from "node:assert/strict";
import { networkPolicy, policyName } from "./network_policy.ts";
import { ALL_SET, DESIRED, goldenTest, settings } from "./testing_manifests.ts";

goldenTest("networkPolicy() makes the policies of the golden files", {
  "network_policy": () => networkPolicy(DESIRED, settings()),
  "network_policy_all_settings": () => networkPolicy(DESIRED, ALL_SET),
  "network_policy_dns": () =>
    networkPolicy(
      DESIRED,
      settings({ "dns-servers": "169.254.169.254,fd00::a", "dns-namespaces": "openshift-dns" }),
    ),
});

/** A rule without peers would open its ports everywhere. */
Deno.test("networkPolicy() has no rule for resolvers where there are none", () => {
  const policy = networkPolicy(DESIRED, settings({ "dns-namespaces": "none" }));
  assert.match(JSON.stringify(policy), /169\.254\.0\.0/);
  assert.doesNotMatch(JSON.stringify(policy), /"ports"/);
});

Deno.test("policyName() keeps environments, regions and control planes apart", () => {
  const names = [
    policyName("env_A", settings()),
    policyName("env_a", settings()),
    policyName("env_A", settings({ region: "eu-2" })),
    policyName("env_A", { ...settings(), controlPlaneId: "other" }),
  ];
  assert.equal(new Set(names).size, names.length);
});
