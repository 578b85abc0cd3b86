/** An operator's overlay of the shipped manifests, with what the test bed has and lacks. */
import { relative } from "node:path/posix";

/** Facts of the bed that the pods of the platform are given. */
export interface BedFacts {
  readonly namespace: string;
  readonly images: { readonly platform: string; readonly restate: string };
  /** The cluster's registry, by the name that nodes know it by. */
  readonly registry: string;
  /** This machine, as pods reach it, and a port of it that leads to the registry. */
  readonly host: { readonly address: string; readonly registryPort: number };
  /** Address of the cluster's DNS. */
  readonly dns: string;
  /** Folders for the volumes of Restate's nodes: the bed has no provisioner. */
  readonly volumes: readonly string[];
  /** Group of the Docker Engine's socket, which builds instead of BuildKit. */
  readonly dockerGroup: number;
}

const SHIPPED = new URL("../../../dev/k8s/", import.meta.url).pathname;
/** Requests of the shipped manifests are more than the node has beside other tests. */
export const REQUESTS = { cpu: "10m", memory: "64Mi" };

/** The text of a kustomization.yaml in `folder`, and its other files. */
export function overlay(folder: string, facts: BedFacts): Record<string, string> {
  const shipped = relative(folder, SHIPPED);
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources: [`${shipped}/manifests`, "bed.json"],
    components: ["without-gvisor", "without-builder", "restate-cluster"].map((each) =>
      `${shipped}/components/${each}`
    ),
    images: [image("registry.example.com/unkey", facts.images.platform), {
      ...image("docker.restate.dev/restatedev/restate", facts.images.restate),
    }],
    configMapGenerator: [
      merged("control-plane", bedSettings(facts).controlPlane),
      merged("krane", bedSettings(facts).krane),
    ],
    patches: [
      ...["Deployment", "StatefulSet"].map((kind) => ({
        target: { kind },
        patch: JSON.stringify([
          ...podPatch(facts),
          { op: "replace", path: `${POD}/containers/0/resources/requests`, value: REQUESTS },
        ]),
      })),
      {
        target: { kind: "Deployment", name: "ctrl-worker" },
        patch: JSON.stringify(builderPatch(facts)),
      },
      { patch: JSON.stringify(SMALL_RESTATE) },
    ],
  };
  return {
    "kustomization.yaml": JSON.stringify(kustomization, null, 2),
    "bed.json": JSON.stringify({ apiVersion: "v1", kind: "List", items: bedObjects(facts) }, null, 2),
  };
}

const POD = "/spec/template/spec";
export const DNS_SEARCHES = ["unkey.svc.cluster.local", "svc.cluster.local", "cluster.local"];

/** Settings that differ from the shipped ones. */
export function bedSettings({ namespace, registry }: BedFacts): {
  readonly controlPlane: Readonly<Record<string, string>>;
  readonly krane: Readonly<Record<string, string>>;
} {
  const images = { UNKEY_REGISTRY_URL: `${registry}/${namespace}` };
  return {
    controlPlane: {
      ...images,
      UNKEY_EDGE_URL: "http://apps.example.com",
      UNKEY_BUILD_S3_REGION: "eu-test-1",
      UNKEY_BUILD_BACKEND: "docker",
      UNKEY_BUILD_NETWORK: "trusted",
      UNKEY_STOP_GRACE_SECONDS: "2",
    },
    krane: { ...images, UNKEY_CONTROL_PLANE_ID: namespace, UNKEY_KRANE_STOP_GRACE_SECONDS: "2" },
  };
}

/** Three of them have room beside everything else. */
const SMALL_RESTATE = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "restate", namespace: "unkey" },
  spec: {
    template: {
      spec: {
        containers: [{
          name: "restate",
          env: [{ name: "RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE", value: "256MiB" }],
        }],
      },
    },
  },
};

/** The bed's nodes know no cluster DNS, so each pod is given it. */
function podPatch({ dns }: BedFacts): object[] {
  const value = { nameservers: [dns], searches: DNS_SEARCHES, options: [{ name: "ndots", value: "5" }] };
  return [
    { op: "add", path: `${POD}/dnsPolicy`, value: "None" },
    { op: "add", path: `${POD}/dnsConfig`, value },
    // A liveness that fails during an outage shall show within the time of a test.
    { op: "add", path: `${POD}/containers/0/livenessProbe/periodSeconds`, value: 3 },
  ];
}

/** The parts of a worker's pod that lead to the builder. */
interface Builder {
  readonly sidecar: Readonly<Record<string, unknown>>;
  readonly volume: object;
  readonly mount: object;
  readonly group: number;
}

/** The machine's Docker Engine builds. It pushes to a registry at "localhost", which the worker asks, too. */
export function builder({ host, registry, dockerGroup }: BedFacts): Builder {
  const port = registry.split(":")[1] ?? "";
  const relay = `for await (const near of Deno.listen({ hostname: "127.0.0.1", port: ${port} })) {
  Deno.connect({ hostname: "${host.address}", port: ${host.registryPort} }).then((far) => Promise.all([
    near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable),
  ])).catch(() => near.close()).catch(() => undefined);
}`;
  const sidecar = {
    name: "registry-relay",
    image: "registry.example.com/unkey:0.1.0",
    command: ["/usr/local/bin/deno", "eval", "--no-config", relay],
    env: [{ name: "DENO_DIR", value: "/tmp/deno-relay" }],
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
    resources: { requests: REQUESTS, limits: { memory: "256Mi" } },
  };
  const socket = "/var/run/docker.sock";
  return {
    sidecar,
    volume: { name: "docker", hostPath: { path: socket, type: "Socket" } },
    mount: { name: "docker", mountPath: socket },
    group: dockerGroup,
  };
}

function builderPatch(facts: BedFacts): object[] {
  const { sidecar, volume, mount, group } = builder(facts);
  return [
    { op: "add", path: `${POD}/containers/-`, value: sidecar },
    { op: "add", path: `${POD}/volumes/-`, value: volume },
    { op: "add", path: `${POD}/containers/0/volumeMounts/-`, value: mount },
    { op: "add", path: `${POD}/securityContext/supplementalGroups`, value: [group] },
  ];
}

/** Restate's volumes, and the way to what runs on this machine: the apiserver, the database, S3 and the registry. */
export function bedObjects({ namespace, volumes, host }: BedFacts): object[] {
  const parts = ["ctrl-api", "ctrl-worker", "krane", "restate"];
  return [
    ...volumes.map((path, index) => ({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: `${namespace}-${index}` },
      spec: {
        capacity: { storage: "20Gi" },
        accessModes: ["ReadWriteOnce"],
        persistentVolumeReclaimPolicy: "Retain",
        claimRef: { namespace, name: `data-restate-${index}` },
        hostPath: { path, type: "Directory" },
      },
    })),
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "bed", namespace: "unkey" },
      spec: {
        podSelector: {
          matchExpressions: [{ key: "app.kubernetes.io/name", operator: "In", values: parts }],
        },
        policyTypes: ["Egress"],
        egress: [{ to: [{ ipBlock: { cidr: `${host.address}/32` } }] }],
      },
    },
  ];
}

function image(name: string, pushed: string): object {
  const at = pushed.lastIndexOf(":");
  return { name, newName: pushed.slice(0, at), newTag: pushed.slice(at + 1) };
}

function merged(name: string, settings: Readonly<Record<string, string>>): object {
  const literals = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  return { name, namespace: "unkey", behavior: "merge", literals };
}

/** The same objects with names of this test's own, so that tests and people do not meet. */
export function relocated(text: string, namespace: string): string {
  return text.replaceAll("namespace: unkey\n", `namespace: ${namespace}\n`)
    .replaceAll("name: unkey\n", `name: ${namespace}\n`)
    .replaceAll("NAMESPACES: unkey\n", `NAMESPACES: ${namespace}\n`)
    .replaceAll(/unkey-(krane|edge|platform)\b/g, `${namespace}-$1`)
    .replaceAll("serviceaccount:unkey:", `serviceaccount:${namespace}:`)
    .replaceAll("unkey.svc", `${namespace}.svc`)
    .replaceAll("name: gvisor\n", `name: ${namespace}-gvisor\n`);
}
