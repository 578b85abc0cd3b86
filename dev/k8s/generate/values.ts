/** The table of what an installation by Helm can set, and where in the manifests that is. */

/** A JSON schema of a value. */
export type Schema = Readonly<Record<string, unknown>>;

/** A place in the manifests. */
export interface Place {
  readonly kind: string;
  readonly name: string;
  readonly path: readonly (string | number)[];
}

/** One value of the chart. */
export interface Value {
  /** With dots between its parts. */
  readonly key: string;
  readonly help: string;
  readonly schema: Schema;
  readonly at: readonly Place[];
  /** For a place that the manifests do not have. */
  readonly fallback?: unknown;
  /** The template that takes its place; by default the value as JSON, which is YAML too. */
  readonly template?: string;
}

/** A part that an installation can do without. */
export interface Switch {
  readonly key: string;
  readonly help: string;
  readonly fallback: boolean;
}

/** Keys of the settings below `config`, by the ConfigMap that has them. */
export const CONFIG_KEYS: ReadonlyMap<string, string> = new Map([
  ["control-plane", "controlPlane"],
  ["krane", "krane"],
  ["frontline", "frontline"],
]);

export const SWITCHES: readonly Switch[] = [
  {
    key: "controlPlane.enabled",
    help: "Api and workers; false in the cluster of a further region.",
    fallback: true,
  },
  { key: "restate.enabled", help: "A Restate of this chart; false with one of your own.", fallback: true },
  {
    key: "buildkitd.enabled",
    help: "A builder of this chart; false with Depot or one of your own.",
    fallback: true,
  },
  { key: "krane.enabled", help: "The agent that runs apps in this cluster.", fallback: true },
  { key: "frontline.enabled", help: "The edge.", fallback: true },
  { key: "gvisor.enabled", help: "The RuntimeClass gvisor, for nodes that have runsc.", fallback: true },
  { key: "networkPolicies.enabled", help: "What may talk to what, and nothing else.", fallback: true },
];

const COUNT: Schema = { type: "integer", minimum: 0 };
const OBJECT: Schema = { type: "object" };
const OBJECTS: Schema = { type: "array", items: { type: "object" } };
const QUANTITY: Schema = { type: "string", pattern: "^[0-9.]+(m|[kKMGTPE]i?)?$" };
const POD = ["spec", "template", "spec"];
const CONTAINER = [...POD, "containers", 0];

/** A workload of the chart: its key, its object, the ConfigMap that it reads. */
interface Workload {
  readonly key: string;
  readonly kind: "Deployment" | "StatefulSet";
  readonly name: string;
  readonly config?: string;
}

const WORKLOADS: readonly Workload[] = [
  { key: "ctrlApi", kind: "Deployment", name: "ctrl-api", config: "controlPlane" },
  { key: "ctrlWorker", kind: "Deployment", name: "ctrl-worker", config: "controlPlane" },
  { key: "krane", kind: "Deployment", name: "krane", config: "krane" },
  { key: "frontline", kind: "Deployment", name: "frontline", config: "frontline" },
  { key: "restate", kind: "StatefulSet", name: "restate" },
  { key: "buildkitd", kind: "StatefulSet", name: "buildkitd" },
];

/** Every value with a place; the switches of whole files and the settings have tables of their own. */
export const VALUES: readonly Value[] = [
  image("image", "Image of the platform.", WORKLOADS.slice(0, 4)),
  ...WORKLOADS.flatMap(workloadValues),
  image("restate.image", "Image of Restate.", WORKLOADS.slice(4, 5)),
  image("buildkitd.image", "Image of BuildKit.", WORKLOADS.slice(5, 6)),
  ...["restate", "buildkitd"].flatMap(storageValues),
  {
    key: "ctrlApi.advertiseUrl",
    help:
      "Where processes of the control plane wake each other. With IPv6 addresses: http://[$(POD_IP)]:7091",
    schema: { type: "string" },
    at: [{ kind: "Deployment", name: "ctrl-api", path: [...CONTAINER, "env", 1, "value"] }],
  },
  {
    key: "buildkitd.hostUsers",
    help: "false: root of the builder has no rights on the node. Needs Kubernetes 1.33 and id-mapped mounts.",
    schema: { type: "boolean" },
    at: [{ kind: "StatefulSet", name: "buildkitd", path: [...POD, "hostUsers"] }],
  },
  {
    key: "frontline.service.type",
    help: "Kind of the edge's Service.",
    schema: { enum: ["LoadBalancer", "NodePort", "ClusterIP"] },
    at: [{ kind: "Service", name: "frontline", path: ["spec", "type"] }],
  },
  {
    key: "frontline.service.externalTrafficPolicy",
    help: "Local: apps see the addresses of clients. Of no effect with the type ClusterIP.",
    schema: { enum: ["Local", "Cluster"] },
    at: [{ kind: "Service", name: "frontline", path: ["spec", "externalTrafficPolicy"] }],
    // Kubernetes refuses it for a Service that has no way from outside.
    template: '{{ if ne .Values.frontline.service.type "ClusterIP" }}' +
      "{{ .Values.frontline.service.externalTrafficPolicy }}{{ end }}",
  },
  {
    key: "frontline.service.annotations",
    help: "Annotations of the edge's Service, which many clouds' balancers read.",
    schema: OBJECT,
    at: [{ kind: "Service", name: "frontline", path: ["metadata", "annotations"] }],
    fallback: {},
  },
  {
    key: "frontline.service.ipFamilyPolicy",
    help: "PreferDualStack: IPv4 and IPv6 where the cluster has both.",
    schema: { enum: ["SingleStack", "PreferDualStack", "RequireDualStack"] },
    at: [{ kind: "Service", name: "frontline", path: ["spec", "ipFamilyPolicy"] }],
    fallback: "PreferDualStack",
  },
];

function workloadValues({ key, kind, name, config }: Workload): Value[] {
  const value = (
    part: string,
    help: string,
    schema: Schema,
    path: Place["path"],
    fallback?: unknown,
  ): Value => ({
    key: `${key}.${part}`,
    help,
    schema,
    at: [{ kind, name, path }],
    ...(fallback === undefined ? {} : { fallback }),
  });
  const annotations = value(
    "podAnnotations",
    "Annotations of its pods.",
    OBJECT,
    ["spec", "template", "metadata", "annotations"],
    {},
  );
  const checksum =
    `{{ toJson (merge (dict "checksum/config" (toJson .Values.config.${config} | sha256sum)) ` +
    `.Values.${key}.podAnnotations) }}`;
  return [
    value("replicas", "Its pods.", COUNT, ["spec", "replicas"]),
    value("resources", "Requests and limits of each pod.", OBJECT, [...CONTAINER, "resources"]),
    config === undefined ? annotations : { ...annotations, template: checksum },
    value("nodeSelector", "Labels of the nodes that it runs on.", OBJECT, [...POD, "nodeSelector"], {}),
    value("tolerations", "Taints of nodes that it tolerates.", OBJECTS, [...POD, "tolerations"], []),
    value("affinity", "Nodes that it prefers.", OBJECT, [...POD, "affinity"], {}),
    value("dnsPolicy", "ClusterFirst, or None with a dnsConfig.", { type: "string" }, [
      ...POD,
      "dnsPolicy",
    ], "ClusterFirst"),
    value("dnsConfig", "Resolvers beside or instead of the cluster's.", OBJECT, [...POD, "dnsConfig"], {}),
    value("podSecurityContext", "User, groups and profile of its pods.", OBJECT, [
      ...POD,
      "securityContext",
    ], {}),
    value("extraEnv", "Further variables of the container.", OBJECTS, [...CONTAINER, "env", "+"], []),
    value("extraContainers", "Further containers of its pods.", OBJECTS, [...POD, "containers", "+"], []),
    value("extraVolumes", "Further volumes, e.g. of certificates.", OBJECTS, [...POD, "volumes", "+"], []),
    value("extraVolumeMounts", "Where those are mounted.", OBJECTS, [
      ...CONTAINER,
      "volumeMounts",
      "+",
    ], []),
  ];
}

function image(key: string, help: string, workloads: readonly Workload[]): Value {
  return {
    key,
    help,
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["repository", "tag"],
      properties: { repository: { type: "string" }, tag: { type: "string", minLength: 1 } },
    },
    at: workloads.map(({ kind, name }) => ({ kind, name, path: [...CONTAINER, "image"] })),
    template: `"{{ .Values.${key}.repository }}:{{ .Values.${key}.tag }}"`,
  };
}

function storageValues(name: string): Value[] {
  const claim = ["spec", "volumeClaimTemplates", 0, "spec"];
  return [
    {
      key: `${name}.storage.size`,
      help: "Size of each volume. Kubernetes never changes it for a set that is there.",
      schema: QUANTITY,
      at: [{ kind: "StatefulSet", name, path: [...claim, "resources", "requests", "storage"] }],
    },
    {
      key: `${name}.storage.className`,
      help: "Class of its volumes. Default: the cluster's own.",
      schema: { type: ["string", "null"] },
      at: [{ kind: "StatefulSet", name, path: [...claim, "storageClassName"] }],
      fallback: null,
    },
  ];
}
