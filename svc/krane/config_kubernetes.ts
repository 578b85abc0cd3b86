import { z } from "zod";
import {
  field,
  integerSchema,
  listSchema,
  optionalUrlSchema,
  switchField,
  textSchema,
} from "../../pkg/config/mod.ts";
import type { Toleration } from "./internal/runtime/kubernetes/settings.ts";

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
    help: "Taints that pods tolerate; an empty list is written as none.",
    placeholder: "<key[=value][:effect],...|none>",
    schema: tolerationsSchema("karpenter.sh/nodepool=untrusted:NoSchedule"),
    show: tolerationsText,
  }),
  imagePullSecrets: field({
    flag: "image-pull-secrets",
    env: "UNKEY_KRANE_IMAGE_PULL_SECRETS",
    help: "Secrets with registry credentials that somebody else puts into each namespace.",
    placeholder: "<name,...>",
    schema: listSchema([]),
  }),
  capabilities: field({
    flag: "capabilities",
    env: "UNKEY_KRANE_CAPABILITIES",
    help:
      "Linux capabilities that apps keep, of none; images that drop root by themselves need SETUID,SETGID.",
    placeholder: "<NAME,...|none>",
    schema: listSchema(["NET_BIND_SERVICE"]).transform(noneIsEmpty),
    show: listText,
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
    placeholder: "<key[=value][:effect],...|none>",
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
    help: "Networks that no app may reach. Default: where clouds keep credentials of their machines.",
    placeholder: "<cidr,...|none>",
    schema: cidrsSchema(["169.254.0.0/16", "fd00:ec2::254/128"]),
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

function noneIsEmpty(values: readonly string[]): readonly string[] {
  return values.length === 1 && values[0] === "none" ? [] : values;
}

/** The text that stands for these entries where the default is not an empty list. */
function listText(entries: readonly string[]): string {
  return entries.length === 0 ? "none" : entries.join(",");
}

function nameSchema(): z.ZodType<string | undefined> {
  return textSchema().refine((name) => name === undefined || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name), {
    message: "must be the name of a Kubernetes object",
  });
}

function pairsSchema(): z.ZodType<Readonly<Record<string, string>>> {
  return listSchema([]).transform((entries, context): Readonly<Record<string, string>> => {
    const pairs = entries.map((entry) => entry.split("="));
    if (pairs.every((pair) => pair.length === 2 && pair[0] !== "")) return Object.fromEntries(pairs);
    context.addIssue({ code: "custom", message: "must be pairs, e.g. pool=apps,disk=ssd" });
    return z.NEVER;
  });
}

function pairsText(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs).map(([key, value]) => `${key}=${value}`).join(",");
}

function tolerationsText(tolerations: readonly Toleration[]): string {
  return listText(
    tolerations.map(({ key, value, effect }) =>
      `${key}${value === undefined ? "" : `=${value}`}${effect === undefined ? "" : `:${effect}`}`
    ),
  );
}

function tolerationsSchema(fallback: string): z.ZodType<readonly Toleration[]> {
  return listSchema([fallback]).transform(noneIsEmpty).transform(
    (entries, context): readonly Toleration[] => {
      const found: Toleration[] = [];
      for (const entry of entries) {
        const [, key, value, effect] =
          /^([^=:]+)(?:=([^=:]*))?(?::(NoSchedule|PreferNoSchedule|NoExecute))?$/.exec(entry) ?? [];
        if (key === undefined) {
          context.addIssue({ code: "custom", message: "must be taints, e.g. pool=untrusted:NoSchedule" });
          return z.NEVER;
        }
        found.push({
          key,
          ...(value === undefined ? {} : { value }),
          ...(effect === undefined ? {} : { effect }),
        });
      }
      return found;
    },
  );
}

function cidrsSchema(fallback: readonly string[]): z.ZodType<readonly string[]> {
  return listSchema(fallback).transform(noneIsEmpty).refine(
    (cidrs) => cidrs.every((cidr) => /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-f:]+\/\d{1,3})$/i.test(cidr)),
    { message: "must be networks, e.g. 10.0.0.0/8,fd00::/8" },
  );
}
