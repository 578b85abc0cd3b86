/** Rules that each shipped manifest keeps, without a cluster. */
import assert from "node:assert/strict";
import { z } from "zod";
import { API_FIELDS } from "../../svc/ctrl/api/config.ts";
import { WORKER_FIELDS } from "../../svc/ctrl/worker/config/config.ts";
import { FRONTLINE_FIELDS } from "../../svc/frontline/config.ts";
import { KRANE_FIELDS } from "../../svc/krane/config.ts";
import { readSources, type Source } from "./generate/sources.ts";

const Labels = z.record(z.string(), z.string());
const Probe = z.looseObject({});
const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  startupProbe: Probe,
  readinessProbe: Probe,
  livenessProbe: z.looseObject({ httpGet: z.object({ path: z.string() }).optional() }),
  resources: z.object({ requests: Labels, limits: Labels }),
  securityContext: z.looseObject({ privileged: z.boolean().optional() }),
  volumeMounts: z.array(z.looseObject({ mountPath: z.string() })),
});
const Pod = z.looseObject({
  automountServiceAccountToken: z.boolean().optional(),
  serviceAccountName: z.string().optional(),
  enableServiceLinks: z.boolean(),
  priorityClassName: z.string().optional(),
  terminationGracePeriodSeconds: z.number(),
  securityContext: z.looseObject({}).default({}),
  topologySpreadConstraints: z.array(z.unknown()).optional(),
  containers: z.tuple([Container]),
});
const Workload = z.looseObject({
  kind: z.enum(["Deployment", "StatefulSet"]),
  metadata: z.looseObject({ name: z.string(), namespace: z.literal("unkey") }),
  spec: z.looseObject({
    replicas: z.number(),
    selector: z.strictObject({ matchLabels: Labels }),
    template: z.looseObject({ metadata: z.looseObject({ labels: Labels }), spec: Pod }),
  }),
});
type Workload = z.infer<typeof Workload>;

const { objects, settings } = await readSources();
const workloads = objects.map(plain).filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")
  .map((each) => Workload.parse(each));
/** Those of the platform: a builder runs the programs of others, by rules of its own. */
const own = workloads.filter(({ metadata }) => metadata.name !== "buildkitd");

function plain({ document }: Source): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(document.toJS());
}

function ofKind(kind: string): Record<string, unknown>[] {
  return objects.map(plain).filter((each) => each["kind"] === kind);
}

function podOf(workload: Workload): z.infer<typeof Pod> {
  return workload.spec.template.spec;
}

Deno.test("every workload of the platform is here", () => {
  assert.deepEqual(workloads.map(({ metadata }) => metadata.name), [
    "restate",
    "ctrl-api",
    "ctrl-worker",
    "buildkitd",
    "krane",
    "frontline",
  ]);
});

for (const workload of own) {
  const pod = podOf(workload);
  const [container] = pod.containers;
  const { name } = workload.metadata;

  Deno.test(`${name} has no right that it does not need`, () => {
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    const { fsGroup, fsGroupChangePolicy, ...context } = pod.securityContext;
    assert.deepEqual(context, {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      seccompProfile: { type: "RuntimeDefault" },
    });
    assert.ok(fsGroup === undefined || fsGroup === 65532);
    assert.ok(fsGroupChangePolicy === undefined || fsGroupChangePolicy === "OnRootMismatch");
    // Only the agent talks to the apiserver.
    assert.equal(pod.automountServiceAccountToken ?? true, pod.serviceAccountName === "krane");
    assert.ok(container.volumeMounts.some(({ mountPath }) => mountPath === "/tmp"), "it can write to /tmp");
  });

  Deno.test(`${name} is restarted by nothing but its own death`, () => {
    const { path } = container.livenessProbe.httpGet ?? {};
    assert.ok(path === "/health/live" || (name === "restate" && path === "/health"), `asks ${path}`);
    assert.equal(pod.enableServiceLinks, false, "Services would become variables");
  });

  Deno.test(`${name} has a place in the order of pods, and room of its own`, () => {
    assert.match(pod.priorityClassName ?? "", /^unkey-(edge|platform)$/);
    assert.equal(pod.topologySpreadConstraints?.length ?? 0, name === "krane" ? 0 : 1);
    for (const each of ["cpu", "memory", "ephemeral-storage"]) {
      assert.ok(container.resources.requests[each], `requests ${each}`);
    }
    for (const each of ["memory", "ephemeral-storage"]) {
      assert.ok(container.resources.limits[each], `limits ${each}`);
    }
  });
}

Deno.test("a selector has the name alone, since it can never be changed", () => {
  for (const { metadata, spec } of workloads) {
    assert.deepEqual(spec.selector.matchLabels, { "app.kubernetes.io/name": metadata.name });
    assert.deepEqual(spec.template.metadata.labels, spec.selector.matchLabels);
  }
});

Deno.test("no disruption budget can block the drain of a node", () => {
  const budgets = z.array(z.object({
    metadata: z.looseObject({ name: z.string() }),
    spec: z.strictObject({
      maxUnavailable: z.literal(1),
      unhealthyPodEvictionPolicy: z.literal("AlwaysAllow").optional(),
      selector: z.strictObject({ matchLabels: Labels }),
    }),
  })).parse(ofKind("PodDisruptionBudget"));
  assert.deepEqual(
    budgets.map(({ metadata }) => metadata.name).toSorted(),
    own.map(({ metadata }) => metadata.name).toSorted(),
  );
});

Deno.test("each workload has a network policy, and the rest is denied", () => {
  const policies = z.array(z.object({
    metadata: z.looseObject({ name: z.string() }),
    spec: z.looseObject({ podSelector: z.looseObject({ matchLabels: Labels.optional() }) }),
  })).parse(ofKind("NetworkPolicy"));
  const bySelector = policies.map(({ spec }) => spec.podSelector.matchLabels?.["app.kubernetes.io/name"]);
  for (const { metadata } of workloads) assert.ok(bySelector.includes(metadata.name), metadata.name);
  const deny = policies.find(({ metadata }) => metadata.name === "default-deny");
  assert.deepEqual(deny?.spec, { podSelector: {}, policyTypes: ["Ingress", "Egress"] });
});

Deno.test("no Secret and no default password is shipped", () => {
  assert.deepEqual(ofKind("Secret"), []);
  const secret = new Set(
    [API_FIELDS, WORKER_FIELDS, KRANE_FIELDS, FRONTLINE_FIELDS].flatMap((fields) =>
      Object.values(fields).filter((field) => !("flag" in field)).map(({ env }) => env)
    ),
  );
  assert.ok(secret.has("UNKEY_AUTH_TOKEN"));
  const named = [
    ...[...settings.values()].flatMap((each) => each.map(({ name }) => name)),
    ...workloads.flatMap((each) => podOf(each).containers[0].env.filter(({ value }) => value !== undefined))
      .map(({ name }) => name),
  ];
  assert.deepEqual(named.filter((name) => secret.has(name)), []);
});

Deno.test("a number that YAML reads in two ways is not there", async () => {
  for (const { file } of objects) {
    const text = await Deno.readTextFile(new URL(`manifests/${file}`, import.meta.url));
    assert.doesNotMatch(text, /: 0\d/, `${file}: an octal number for YAML 1.1 only`);
  }
});

Deno.test("the page for operators has the sums of what the manifests request", async () => {
  const requested = (name: string, unit: Readonly<Record<string, number>>): number =>
    workloads.reduce((sum, each) => {
      const text = podOf(each).containers[0].resources.requests[name] ?? "";
      const [, number, suffix = ""] = /^([\d.]+)(\D*)$/.exec(text) ?? [];
      return sum + each.spec.replicas * Number(number) * (unit[suffix] ?? NaN);
    }, 0);
  const cores = requested("cpu", { m: 0.001, "": 1 });
  const gibibytes = requested("memory", { Mi: 1 / 1024, Gi: 1 });
  const page = await Deno.readTextFile(new URL("../../docs/operate/kubernetes.md", import.meta.url));
  const sums = `${cores.toFixed(2)} cores and ${gibibytes.toFixed(1)} GiB`;
  assert.ok(page.includes(`Together they request ${sums}`), sums);
  for (const { metadata, spec } of workloads) {
    assert.match(page, new RegExp(`\\| \`${metadata.name}\` +\\| ${spec.replicas} `), metadata.name);
  }
});
