import {
  field,
  integerSchema,
  listSchema,
  optionalUrlSchema,
  switchField,
  textSchema,
} from "../../pkg/config/mod.ts";
import {
  addressesSchema,
  annotationsSchema,
  choiceSchema,
  cidrsSchema,
  labelsSchema,
  listText,
  nameSchema,
  noneIsEmpty,
  pairsSchema,
  pairsText,
  tolerationsSchema,
  tolerationsText,
} from "./config_values.ts";

const DRAIN_TAINTS = [
  "ToBeDeletedByClusterAutoscaler",
  "karpenter.sh/disrupted",
  "karpenter.sh/disruption",
  "cloud.google.com/impending-node-termination",
  "aws-node-termination-handler/spot-itn",
];

/** Settings of the Kubernetes runtime. */
export const KUBERNETES_FIELDS = {
  kubeconfig: field({
    flag: "kubeconfig",
    env: "KUBECONFIG",
    help:
      "File that says where the cluster is, or several with : between them. Default: the cluster that this program runs in.",
    placeholder: "<path[:path...]>",
    schema: textSchema(),
  }),
  kubeContext: field({
    flag: "kube-context",
    env: "UNKEY_KRANE_KUBE_CONTEXT",
    help: "Context of the kubeconfig file. Default: its current context.",
    placeholder: "<name>",
    schema: textSchema(),
  }),
  leaseNamespace: field({
    flag: "lease-namespace",
    env: "UNKEY_KRANE_LEASE_NAMESPACE",
    help:
      "Namespace of the Lease by which one of several agents of a region acts. Default: the agent's own, or that of " +
      "the kubeconfig's context.",
    placeholder: "<name>",
    schema: nameSchema(),
  }),
  runtimeClass: field({
    flag: "runtime-class",
    env: "UNKEY_KRANE_RUNTIME_CLASS",
    help: "RuntimeClass of all pods, e.g. gvisor. Default: the cluster's own.",
    schema: nameSchema(),
  }),
  nodeSelector: field({
    flag: "node-selector",
    env: "UNKEY_KRANE_NODE_SELECTOR",
    help: "Labels of the nodes that pods may run on.",
    placeholder: "<key=value,...>",
    schema: pairsSchema(),
    show: pairsText,
  }),
  tolerations: field({
    flag: "tolerations",
    env: "UNKEY_KRANE_TOLERATIONS",
    help:
      "Taints that pods tolerate, NoExecute perhaps for a number of seconds; an empty list is written as none.",
    placeholder: "<key[=value][:effect[:seconds]],...|none>",
    schema: tolerationsSchema("karpenter.sh/nodepool=untrusted:NoSchedule"),
    show: tolerationsText,
  }),
  nodeLostSeconds: field({
    flag: "node-lost-seconds",
    env: "UNKEY_KRANE_NODE_LOST_SECONDS",
    help:
      "A pod whose node does not answer is replaced on another one after this time. It begins when Kubernetes " +
      "calls the node lost, about 50 s after its last sign of life.",
    schema: integerSchema(30, 5, 86_400),
  }),
  drainTaints: field({
    flag: "drain-taints",
    env: "UNKEY_KRANE_DRAIN_TAINTS",
    help:
      "Taints of nodes that are going to end. Pods on such a node, and on one that was cordoned, get others elsewhere " +
      "before they go.",
    placeholder: "<key,...|none>",
    schema: listSchema(DRAIN_TAINTS).transform(noneIsEmpty),
    show: listText,
  }),
  drainWaitSeconds: field({
    flag: "drain-wait-seconds",
    env: "UNKEY_KRANE_DRAIN_WAIT_SECONDS",
    help:
      "How long the drain of a node waits until an app's only pod runs elsewhere. After it evictions are allowed.",
    schema: integerSchema(300, 0, 86_400),
  }),
  evictions: field({
    flag: "evictions",
    env: "UNKEY_KRANE_EVICTIONS",
    help:
      "With replace, an app's only pod cannot be evicted until another one runs, which the agent makes when the node " +
      "drains. With allow, it can at any time: autoscalers then empty nodes, at the price of the app's start time. With " +
      "none, the operator's own PodDisruptionBudgets decide: Kubernetes evicts no pod that two of them match.",
    placeholder: "<replace|allow|none>",
    schema: choiceSchema(["replace", "allow", "none"]),
  }),
  podSecurity: field({
    flag: "pod-security",
    env: "UNKEY_KRANE_POD_SECURITY",
    help:
      "The Pod Security Standard that pods meet. With restricted, images that run as root are refused, and apps " +
      "have no capability but NET_BIND_SERVICE.",
    placeholder: "<baseline|restricted>",
    schema: choiceSchema(["baseline", "restricted"]),
  }),
  podLabels: field({
    flag: "pod-labels",
    env: "UNKEY_KRANE_POD_LABELS",
    help:
      "Labels of all apps' pods and ReplicaSets, for policies, meshes and cost reports. New pods get them; those " +
      "that run are not replaced.",
    placeholder: "<key=value,...>",
    schema: labelsSchema(),
    show: pairsText,
  }),
  podAnnotations: field({
    flag: "pod-annotations",
    env: "UNKEY_KRANE_POD_ANNOTATIONS",
    help: "Annotations of all apps' pods and ReplicaSets, as for the labels.",
    placeholder: "<key=value,...>",
    schema: annotationsSchema(),
    show: pairsText,
  }),
  imagePullSecrets: field({
    flag: "image-pull-secrets",
    env: "UNKEY_KRANE_IMAGE_PULL_SECRETS",
    help: "Secrets with registry credentials that somebody else puts into each namespace.",
    placeholder: "<name,...>",
    schema: listSchema([]),
  }),
  edgeNamespaces: field({
    flag: "edge-namespaces",
    env: "UNKEY_KRANE_EDGE_NAMESPACES",
    help: "Namespaces whose pods may reach all apps and sentinels.",
    placeholder: "<name,...|none>",
    schema: listSchema(["unkey"]).transform(noneIsEmpty),
    show: listText,
  }),
  sentinelNamespace: field({
    flag: "sentinel-namespace",
    env: "UNKEY_KRANE_SENTINEL_NAMESPACE",
    help: "Namespace of the sentinels; each may reach the apps of its environment.",
    schema: textSchema("sentinel"),
  }),
  sentinelControlPlaneUrl: field({
    flag: "sentinel-control-plane-url",
    env: "UNKEY_KRANE_SENTINEL_CONTROL_PLANE_URL",
    help: "URL of the control plane's API as sentinels reach it. Default: the one that this agent uses.",
    placeholder: "<url>",
    schema: optionalUrlSchema(),
  }),
  sentinelNodeSelector: field({
    flag: "sentinel-node-selector",
    env: "UNKEY_KRANE_SENTINEL_NODE_SELECTOR",
    help: "Labels of the nodes that sentinels may run on.",
    placeholder: "<key=value,...>",
    schema: pairsSchema(),
    show: pairsText,
  }),
  sentinelTolerations: field({
    flag: "sentinel-tolerations",
    env: "UNKEY_KRANE_SENTINEL_TOLERATIONS",
    help: "Taints that sentinels tolerate; an empty list is written as none.",
    placeholder: "<key[=value][:effect[:seconds]],...|none>",
    schema: tolerationsSchema("node-class=sentinel:NoSchedule"),
    show: tolerationsText,
  }),
  ingressCidrs: field({
    flag: "ingress-cidrs",
    env: "UNKEY_KRANE_INGRESS_CIDRS",
    help: "Networks outside of the cluster that may reach all apps and sentinels, e.g. that of an edge.",
    placeholder: "<cidr,...>",
    schema: cidrsSchema([]),
  }),
  egressDeniedCidrs: field({
    flag: "egress-denied-cidrs",
    env: "UNKEY_KRANE_EGRESS_DENIED_CIDRS",
    help:
      "Networks that no app may reach, but for resolvers in them. Default: where clouds keep credentials of " +
      "their machines.",
    placeholder: "<cidr,...|none>",
    schema: cidrsSchema(["169.254.0.0/16", "fd00:ec2::254/128"]),
    show: listText,
  }),
  dnsServers: field({
    flag: "dns-servers",
    env: "UNKEY_KRANE_DNS_SERVERS",
    help:
      "Addresses of resolvers that apps may ask on port 53, also inside of a denied network. Those that the " +
      "agent's own pod and the Service kube-dns name are found by themselves.",
    placeholder: "<ip,...>",
    schema: addressesSchema(),
  }),
  dnsNamespaces: field({
    flag: "dns-namespaces",
    env: "UNKEY_KRANE_DNS_NAMESPACES",
    help: "Namespaces whose pods are resolvers: apps may ask them on the ports 53 and 5353.",
    placeholder: "<name,...|none>",
    schema: listSchema(["kube-system", "openshift-dns"]).transform(noneIsEmpty),
    show: listText,
  }),
  podToken: switchField({
    flag: "pod-token",
    env: "UNKEY_KRANE_POD_TOKEN",
    help: "Gives pods a token with which they can ask this agent for their variables, and for nothing else.",
  }),
  cpuRequestPercent: field({
    flag: "cpu-request-percent",
    env: "UNKEY_KRANE_CPU_REQUEST_PERCENT",
    help: "What a node sets aside of an instance's CPU limit, in percent.",
    schema: integerSchema(25, 1, 100),
  }),
  ephemeralStorageMibDefault: field({
    flag: "ephemeral-storage-mib-default",
    env: "UNKEY_KRANE_EPHEMERAL_STORAGE_MIB_DEFAULT",
    help: "Disk limit of instances whose deployment names none, in MiB.",
    schema: integerSchema(2_048, 16, 10_000_000),
  }),
};
