import assert from "node:assert/strict";
import { loadConfig, Secret } from "../../../../../pkg/config/mod.ts";
import { isFault } from "../../../../../pkg/fault/mod.ts";
import type { Manifest } from "../../../../../pkg/kube/mod.ts";
import { KRANE_FIELDS } from "../../../config.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { DesiredSentinel } from "../../sentinel/desired.ts";
import { networkPolicy, policyName } from "./network_policy.ts";
import { replicaSet, specHash } from "./replica_set.ts";
import {
  sentinelDeployment,
  sentinelDisruptionBudget,
  sentinelNetworkPolicy,
  sentinelSecret,
  sentinelService,
  type SentinelSettings,
} from "./sentinel_manifest.ts";
import { registrySecret, variablesDigest, variablesSecret } from "./secrets.ts";
import type { KubernetesSettings } from "./settings.ts";

/** `UPDATE_GOLDEN=1` writes what is made now: read the difference. */
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

const DESIRED: DesiredDeployment = {
  name: "kq3x9d2mvt",
  namespace: "acme",
  workspaceId: "ws_A1",
  projectId: "proj_B2",
  environmentId: "env_C3",
  deploymentId: "d_D4",
  image: "registry.example.com/apps/shop@sha256:0123",
  replicas: 2,
  cpuMillicores: 250,
  memoryMib: 256,
  pidsMax: 1_024,
  ephemeralStorageMib: 0,
  command: [],
  port: 8080,
  healthCheckPath: "",
  env: { DATABASE_URL: "mysql://x", "A.B": "1" },
  buildId: "",
  commit: { sha: "0f3c1d", branch: "feature/x", authorHandle: "" },
  blobSha256: "",
};

function settings(flags: Readonly<Record<string, string>> = {}): KubernetesSettings {
  const config = loadConfig(KRANE_FIELDS, {
    flags: new Map(
      Object.entries({ "control-plane-url": "https://unkey.example", region: "eu-1", ...flags }),
    ),
    env: (name) => name === "UNKEY_CONTROL_PLANE_BEARER" ? "token" : undefined,
    readFile: () => "",
  });
  return { ...config, controlPlaneId: "https://unkey.example", registry: undefined };
}

const ALL_SET = settings({
  "runtime-class": "gvisor",
  "node-selector": "pool=apps",
  tolerations: "pool=apps:NoSchedule,other",
  "image-pull-secrets": "mirror",
  capabilities: "none",
  "edge-namespaces": "none",
  "ingress-cidrs": "10.1.0.0/16",
  "egress-denied-cidrs": "none",
  "pod-token": "true",
  "drain-ms": "0",
});
const CREDENTIALS = { username: "puller", password: new Secret("s3cret") };
const REGISTRY = { name: "registry.example.com", credentials: CREDENTIALS };

const SENTINEL: DesiredSentinel = {
  name: "sq8w2k1z",
  workspaceId: "ws_A1",
  projectId: "proj_B2",
  environmentId: "env_C3",
  sentinelId: "se_F6",
  image: "registry.example.com/unkey:1",
  replicas: 3,
  cpuMillicores: 256,
  memoryMib: 256,
  token: new Secret("sentinel_t0ken"),
};
const SENTINEL_SETTINGS: SentinelSettings = {
  ...settings(),
  sentinelControlPlaneUrl: "https://unkey.example",
  sentinelNodeSelector: {},
  sentinelTolerations: [{ key: "node-class", value: "sentinel", effect: "NoSchedule" }],
  pullSecrets: [],
};

const CASES: Readonly<Record<string, () => Manifest>> = {
  "replica_set": () => replicaSet(DESIRED, { replicas: 2, revision: "abc" }, settings()),
  "replica_set_all_settings": () =>
    replicaSet(
      {
        ...DESIRED,
        command: ["serve", "--fast"],
        healthCheckPath: "/health",
        buildId: "build_E5",
        ephemeralStorageMib: 512,
      },
      { replicas: 0, revision: undefined },
      { ...ALL_SET, registry: REGISTRY },
    ),
  "network_policy": () => networkPolicy(DESIRED, settings()),
  "network_policy_all_settings": () => networkPolicy(DESIRED, ALL_SET),
  "variables_secret": () => variablesSecret(DESIRED, { uid: "uid-1" }, settings()),
  "registry_secret": () => registrySecret("acme", REGISTRY, settings()),
  "sentinel_deployment": () => sentinelDeployment(SENTINEL, 3, SENTINEL_SETTINGS),
  "sentinel_deployment_all_settings": () =>
    sentinelDeployment(SENTINEL, 0, {
      ...SENTINEL_SETTINGS,
      sentinelNodeSelector: { pool: "edge" },
      sentinelTolerations: [{ key: "pool", value: "edge", effect: "NoExecute" }],
      pullSecrets: ["unkey-registry", "mirror"],
    }),
  "sentinel_secret": () => sentinelSecret(SENTINEL, { uid: "uid-2" }, SENTINEL_SETTINGS),
  "sentinel_service": () => sentinelService(SENTINEL, { uid: "uid-2" }, SENTINEL_SETTINGS),
  "sentinel_network_policy": () => sentinelNetworkPolicy(SENTINEL, { uid: "uid-2" }, SENTINEL_SETTINGS),
  "sentinel_network_policy_closed": () =>
    sentinelNetworkPolicy(SENTINEL, { uid: "uid-2" }, { ...SENTINEL_SETTINGS, edgeNamespaces: [] }),
  "sentinel_disruption_budget": () => sentinelDisruptionBudget(SENTINEL, { uid: "uid-2" }, SENTINEL_SETTINGS),
};

Deno.test("manifests are as they were reviewed", async (t) => {
  for (const [name, make] of Object.entries(CASES)) {
    await t.step(name, async () => {
      const file = new URL(`golden/${name}.json`, import.meta.url);
      const text = `${JSON.stringify(make(), null, 2)}\n`;
      if (UPDATE) await Deno.writeTextFile(file, text);
      assert.deepEqual(JSON.parse(text), JSON.parse(await Deno.readTextFile(file)));
    });
  }
});

/** A hash that misses one of these would leave the old app running. */
Deno.test("specHash() differs for whatever shows inside of a pod, and for nothing else", () => {
  const hash = (changes: Partial<DesiredDeployment>, revision = "r", flags = {}) =>
    specHash({ ...DESIRED, ...changes }, revision, settings(flags));
  const base = hash({});
  const different: Partial<DesiredDeployment>[] = [
    { image: "other" },
    { command: ["x"] },
    { port: 81 },
    { healthCheckPath: "/x" },
    { cpuMillicores: 251 },
    { memoryMib: 257 },
    { ephemeralStorageMib: 99 },
  ];
  for (const changes of different) assert.notEqual(hash(changes), base, JSON.stringify(changes));
  assert.notEqual(hash({}, "s"), base);
  assert.equal(hash({ replicas: 9, buildId: "b" }), base);
  assert.equal(hash({}, "r", { tolerations: "none", "runtime-class": "gvisor" }), base);
});

Deno.test("variablesDigest() sees every value and no order", () => {
  const digest = (env: Record<string, string>) => variablesDigest({ ...DESIRED, env });
  assert.equal(digest({ A: "1", B: "2" }), digest({ B: "2", A: "1" }));
  assert.notEqual(digest({ A: "1", B: "2" }), digest({ A: "2", B: "1" }));
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

Deno.test("an id that cannot be a label is refused", () => {
  assert.throws(
    () => replicaSet({ ...DESIRED, projectId: "a/b" }, { replicas: 1, revision: undefined }, settings()),
    (error) => isFault(error, "invalid_argument"),
  );
});

/** Pods read their token at the start only: another one has to bring other pods. */
Deno.test("a sentinel's pods are replaced when its token changes, and no manifest but the Secret holds it", () => {
  const other = { ...SENTINEL, token: new Secret("sentinel_0ther") };
  const text = (desired: DesiredSentinel) =>
    JSON.stringify(sentinelDeployment(desired, 1, SENTINEL_SETTINGS));
  assert.notEqual(text(SENTINEL), text(other));
  assert.ok(!text(SENTINEL).includes("t0ken"));
});
