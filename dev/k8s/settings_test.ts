/** The settings of the shipped manifests, as the programs read them. */
import assert from "node:assert/strict";
import { z } from "zod";
import { loadConfig } from "../../pkg/config/mod.ts";
import { PROMETHEUS_PORT_FIELD } from "../../pkg/metrics_server/mod.ts";
import { API_FIELDS } from "../../svc/ctrl/api/config.ts";
import { WORKER_FIELDS } from "../../svc/ctrl/worker/config/config.ts";
import { FRONTLINE_FIELDS } from "../../svc/frontline/config.ts";
import { KRANE_FIELDS } from "../../svc/krane/config.ts";
import { parseSettings, readSources } from "./generate/sources.ts";

const Env = z.object({ name: z.string(), value: z.string().optional() });
const Pod = z.object({
  spec: z.object({
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        containers: z.tuple([z.object({
          env: z.array(Env),
          ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
          lifecycle: z.object({
            preStop: z.object({ sleep: z.object({ seconds: z.number() }) }),
          }).optional(),
        })]),
      }),
    }),
  }),
});
/** Values of variables that come from Secrets. */
const SECRETS: Readonly<Record<string, string>> = {
  UNKEY_DATABASE_PRIMARY: "mysql://user:password@db:3306/unkey",
  UNKEY_AUTH_TOKEN: "0123456789abcdef0123456789abcdef",
  UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
  UNKEY_BUILD_S3_URL: "https://s3.example.com",
  UNKEY_BUILD_S3_BUCKET: "unkey",
  UNKEY_BUILD_S3_ACCESS_KEY_ID: "id",
  UNKEY_BUILD_S3_ACCESS_KEY_SECRET: "secret",
  UNKEY_RESTATE_IDENTITY_KEYS: "publickeyv1_6yfuEXozjGFaZXdqtP3SmKWDvfLESHsSRD227c5cCu4c",
  UNKEY_CONTROL_PLANE_BEARER: "region_token",
};
/** Limits of the tasks of a process (pkg/runner), and then of the steps of a worker. */
const TASKS_SECONDS = 20;
const STEPS_SECONDS = 10;

const { objects, settings } = await readSources();

/** A Deployment with the values of its variables. */
function part(name: string, config: string) {
  const source = objects.find(({ document }) =>
    document.get("kind") === "Deployment" && document.getIn(["metadata", "name"]) === name
  );
  const { metadata: { annotations }, spec } = Pod.parse(source?.document.toJS()).spec.template;
  const { terminationGracePeriodSeconds: graceSeconds, containers: [container] } = spec;
  const shared = (settings.get(config) ?? []).map((each): [string, string] => [each.name, each.value]);
  const inline = container.env.map((each): [string, string | undefined] => [
    each.name,
    each.value ?? SECRETS[each.name],
  ]);
  return {
    annotations,
    graceSeconds,
    ports: Object.fromEntries(container.ports.map((each) => [each.name, each.containerPort])),
    pauseSeconds: container.lifecycle?.preStop.sleep.seconds ?? 0,
    variables: new Map<string, string | undefined>([...shared, ...inline]),
  };
}

/** Loads a configuration as the program would; a variable of the ConfigMap may belong to another part that shares it. */
function load<F extends Parameters<typeof loadConfig>[0]>(
  fields: F,
  { variables }: ReturnType<typeof part>,
): ReturnType<typeof loadConfig<F>> {
  return loadConfig(fields, {
    flags: new Map(),
    env: (name) => variables.get(name),
    readFile: () => assert.fail("no file is named"),
  });
}

const CONTROL_PLANE = [...Object.values(API_FIELDS), ...Object.values(WORKER_FIELDS)];
const PARTS = [
  { name: "ctrl-api", config: "control-plane", fields: CONTROL_PLANE },
  { name: "ctrl-worker", config: "control-plane", fields: CONTROL_PLANE },
  { name: "krane", config: "krane", fields: Object.values(KRANE_FIELDS) },
  { name: "frontline", config: "frontline", fields: Object.values(FRONTLINE_FIELDS) },
];

for (const { name, config, fields } of PARTS) {
  Deno.test(`each variable of ${name} is a setting`, () => {
    const known = new Set<string>([...fields, PROMETHEUS_PORT_FIELD].map(({ env }) => env));
    const unknown = [...part(name, config).variables.keys()].filter((each) => !known.has(each));
    assert.deepEqual(unknown.filter((each) => each !== "POD_IP"), []);
  });
}

Deno.test("the api listens on the port that its Services lead to, and drains before it is killed", () => {
  const api = part("ctrl-api", "control-plane");
  assert.equal(load(API_FIELDS, api).httpPort, api.ports["http"]);
  assert.ok(api.graceSeconds > api.pauseSeconds + TASKS_SECONDS);
});

Deno.test("the worker listens on the ports that Restate and the kubelet ask, and drains before it is killed", () => {
  const worker = part("ctrl-worker", "control-plane");
  const { httpPort, restateHttpPort, host, buildBackend, restateRegisterAs } = load(WORKER_FIELDS, worker);
  const { metrics: _, ...ports } = worker.ports;
  assert.deepEqual({ health: httpPort, restate: restateHttpPort }, ports);
  assert.deepEqual([host, buildBackend], ["0.0.0.0", "buildkit"]);
  assert.equal(restateRegisterAs, "http://ctrl-worker.unkey.svc:9080");
  assert.ok(worker.graceSeconds > worker.pauseSeconds + TASKS_SECONDS + STEPS_SECONDS);
});

Deno.test("the agent runs apps in the cluster, and ends before it is killed", () => {
  const krane = part("krane", "krane");
  const { runtime, httpPort, runtimeClass, edgeNamespaces } = load(KRANE_FIELDS, krane);
  assert.deepEqual([runtime, httpPort, runtimeClass], ["kubernetes", krane.ports["http"], "gvisor"]);
  assert.deepEqual(edgeNamespaces, ["unkey"]);
  assert.ok(krane.graceSeconds > TASKS_SECONDS);
});

Deno.test("the edge opens the ports of its settings, and drains before it is killed", () => {
  const edge = part("frontline", "frontline");
  const { httpPort, httpsPort, healthPort, httpsPublicPort, drainMs, stopDelayMs } = load(
    FRONTLINE_FIELDS,
    edge,
  );
  assert.deepEqual({ http: httpPort, https: httpsPort, health: healthPort }, edge.ports);
  const service = objects.map(({ document }) => document.toJS()).find(({ kind, metadata }) =>
    kind === "Service" && metadata.name === "frontline"
  );
  const ports = service.spec.ports.map(({ port }: { port: number }) => port);
  assert.deepEqual(ports, [80, httpsPublicPort]);
  assert.ok(edge.graceSeconds * 1_000 > drainMs + stopDelayMs);
});

const Ingress = z.object({
  from: z.array(z.object({ podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }) })),
  ports: z.array(z.object({ port: z.number() })),
});
const Policy = z.object({ spec: z.object({ ingress: z.array(z.unknown()) }) });

/** The ports of a policy that pods with the label of a scraper reach, whatever else it lets in. */
function scrapedPorts(policy: string): number[] {
  const source = objects.find(({ document }) =>
    document.get("kind") === "NetworkPolicy" && document.getIn(["metadata", "name"]) === policy
  );
  return Policy.parse(source?.document.toJS()).spec.ingress.flatMap((rule) => {
    const { success, data } = Ingress.safeParse(rule);
    const labels = success ? data.from.map(({ podSelector }) => podSelector.matchLabels) : [];
    const isForScrapers = labels.some((each) => each["unkey.com/metrics-client"] === "true");
    return isForScrapers ? data?.ports.map(({ port }) => port) ?? [] : [];
  });
}

for (const { name, config } of PARTS) {
  Deno.test(`${name} has metrics where its annotations say, and a policy lets scrapers in there`, () => {
    const { annotations, ports, variables } = part(name, config);
    const edge = name === "frontline";
    const port = edge ? ports["health"] : Number(variables.get(PROMETHEUS_PORT_FIELD.env));
    assert.equal(ports[edge ? "health" : "metrics"], port);
    assert.deepEqual(annotations, {
      "prometheus.io/scrape": "true",
      "prometheus.io/port": String(port),
      "prometheus.io/path": "/metrics",
    });
    assert.deepEqual(scrapedPorts(edge ? "frontline" : "metrics"), [port]);
  });
}

Deno.test("api and worker take the addresses of a cluster with IPv6 only", () => {
  const [api, worker] = [part("ctrl-api", "control-plane"), part("ctrl-worker", "control-plane")];
  api.variables.set("UNKEY_HTTP_HOST", "::").set("UNKEY_ADVERTISE_URL", "http://[fd00:10::7]:7091");
  worker.variables.set("UNKEY_WORKER_HOST", "::");
  assert.equal(load(API_FIELDS, api).advertiseUrl, "http://[fd00:10::7]:7091");
  assert.equal(load(WORKER_FIELDS, worker).host, "::");
});

Deno.test("settings keep the comment directly above them", () => {
  assert.deepEqual(parseSettings("# A file.\n\n# One.\n# More.\nONE=a=b\nTWO=\n"), [
    { name: "ONE", value: "a=b", help: "One. More." },
    { name: "TWO", value: "", help: "" },
  ]);
});
