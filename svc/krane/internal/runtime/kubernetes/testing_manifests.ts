/** Desired states and settings whose manifests are kept in `golden/`. */
import assert from "node:assert/strict";
import { loadConfig, Secret } from "../../../../../pkg/config/mod.ts";
import type { Manifest } from "../../../../../pkg/kube/mod.ts";
import { KRANE_FIELDS } from "../../../config.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { plainCheck } from "../../deployment/health_check.ts";
import type { DesiredSentinel } from "../../sentinel/desired.ts";
import type { SentinelSettings } from "./sentinel_manifest.ts";
import type { KubernetesSettings } from "./settings.ts";

/** `UPDATE_GOLDEN=1` writes what is made now: read the difference. */
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

export const DESIRED: DesiredDeployment = {
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
  healthCheck: plainCheck(""),
  stopSignal: "",
  stopSeconds: 0,
  init: true,
  initAsked: false,
  reportsUsage: false,
  tasks: [],
  env: { DATABASE_URL: "mysql://x", "A.B": "1" },
  buildId: "",
  commit: { sha: "0f3c1d", branch: "feature/x", authorHandle: "" },
  blobSha256: "",
};

export function settings(flags: Readonly<Record<string, string>> = {}): KubernetesSettings {
  const config = loadConfig(KRANE_FIELDS, {
    flags: new Map(
      Object.entries({ "control-plane-url": "https://unkey.example", region: "eu-1", ...flags }),
    ),
    env: (name) => name === "UNKEY_CONTROL_PLANE_BEARER" ? "token" : undefined,
    readFile: () => "",
  });
  return { ...config, controlPlaneId: "https://unkey.example", registry: undefined };
}

export const ALL_SET = settings({
  "runtime-class": "gvisor",
  "node-selector": "pool=apps",
  tolerations: "pool=apps:NoSchedule,other,node.kubernetes.io/not-ready:NoExecute:7",
  "node-lost-seconds": "9",
  evictions: "allow",
  "pod-labels": "team=shop",
  "pod-annotations": "sidecar.istio.io/inject=false",
  "pod-security": "restricted",
  "image-pull-secrets": "mirror",
  capabilities: "NET_BIND_SERVICE,CHOWN",
  "edge-namespaces": "none",
  "ingress-cidrs": "10.1.0.0/16",
  "egress-denied-cidrs": "none",
  "pod-token": "true",
  "drain-ms": "0",
});
const CREDENTIALS = { username: "puller", password: new Secret("s3cret") };
export const REGISTRY = { name: "registry.example.com", credentials: CREDENTIALS };

export const SENTINEL: DesiredSentinel = {
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
export const SENTINEL_SETTINGS: SentinelSettings = {
  ...settings(),
  sentinelControlPlaneUrl: "https://unkey.example",
  hasAuthority: false,
  sentinelNodeSelector: {},
  sentinelTolerations: [{ key: "node-class", value: "sentinel", effect: "NoSchedule" }],
  pullSecrets: [],
};

/** Compares manifests with the files of their names in `golden/`. */
export function goldenTest(name: string, cases: Readonly<Record<string, () => Manifest>>): void {
  Deno.test(name, async (t) => {
    for (const [name, make] of Object.entries(cases)) {
      await t.step(name, async () => {
        const file = new URL(`golden/${name}.json`, import.meta.url);
        const text = `${JSON.stringify(make(), null, 2)}\n`;
        if (UPDATE) await Deno.writeTextFile(file, text);
        assert.deepEqual(JSON.parse(text), JSON.parse(await Deno.readTextFile(file)));
      });
    }
  });
}
