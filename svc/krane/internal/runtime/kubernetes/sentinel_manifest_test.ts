import assert from "node:assert/strict";
import { Secret } from "../../../../../pkg/config/mod.ts";
import type { DesiredSentinel } from "../../sentinel/desired.ts";
import {
  sentinelDeployment,
  sentinelDisruptionBudget,
  sentinelNetworkPolicy,
  sentinelSecret,
  sentinelService,
} from "./sentinel_manifest.ts";
import { goldenTest, SENTINEL, SENTINEL_SETTINGS } from "./testing_manifests.ts";

goldenTest("a sentinel's objects are those of the golden files", {
  "sentinel_deployment": () => sentinelDeployment(SENTINEL, 3, SENTINEL_SETTINGS),
  "sentinel_deployment_all_settings": () =>
    sentinelDeployment(SENTINEL, 0, {
      ...SENTINEL_SETTINGS,
      hasAuthority: true,
      sentinelNodeSelector: { pool: "edge" },
      sentinelTolerations: [{ key: "pool", value: "edge", effect: "NoExecute" }],
      pullSecrets: ["unkey-registry", "mirror"],
    }),
  "sentinel_secret": () => sentinelSecret(SENTINEL, { uid: "uid-2" }, SENTINEL_SETTINGS),
  "sentinel_secret_authority": () =>
    sentinelSecret(SENTINEL, { uid: "uid-2" }, SENTINEL_SETTINGS, "-----BEGIN CERTIFICATE-----\n"),
  "sentinel_service": () => sentinelService(SENTINEL, { uid: "uid-2" }, SENTINEL_SETTINGS),
  "sentinel_network_policy": () => sentinelNetworkPolicy(SENTINEL, { uid: "uid-2" }, SENTINEL_SETTINGS),
  "sentinel_network_policy_closed": () =>
    sentinelNetworkPolicy(SENTINEL, { uid: "uid-2" }, { ...SENTINEL_SETTINGS, edgeNamespaces: [] }),
  "sentinel_disruption_budget": () => sentinelDisruptionBudget(SENTINEL, { uid: "uid-2" }, SENTINEL_SETTINGS),
});

/** Pods read their token at the start only: another one has to bring other pods. */
Deno.test("a sentinel's pods are replaced when its token changes, and no manifest but the Secret holds it", () => {
  const other = { ...SENTINEL, token: new Secret("sentinel_0ther") };
  const text = (desired: DesiredSentinel) =>
    JSON.stringify(sentinelDeployment(desired, 1, SENTINEL_SETTINGS));
  assert.notEqual(text(SENTINEL), text(other));
  assert.ok(!text(SENTINEL).includes("t0ken"));
});
