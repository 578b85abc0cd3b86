import type {
  V1NetworkPolicy,
  V1NetworkPolicyEgressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
} from "@kubernetes/client-node";
import { digestOf } from "../../../../../pkg/hash/mod.ts";
import type { JsonOf, Manifest } from "../../../../../pkg/kube/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import { deploymentSelection, LABEL, namespaceOf } from "./labels.ts";
import type { KubernetesSettings } from "./settings.ts";

const NAMESPACE_NAME = "kubernetes.io/metadata.name";
const DNS_PORT = 53;
/** Where resolvers of OpenShift listen: policies see the port of the pod, not that of its Service. */
const DNS_POD_PORTS = [DNS_PORT, 5_353];

/** One policy per environment, region and control plane: a shared one would be overwritten by each of them in turn. */
export function policyName(environmentId: string, settings: KubernetesSettings): string {
  return `env-${digestOf([environmentId, settings.region, settings.controlPlaneId]).slice(0, 20)}`;
}

/** The peers that may talk to the pods of a deployment's environment, and the addresses that these may talk to. */
export function networkPolicy(desired: DesiredDeployment, settings: KubernetesSettings): Manifest {
  const own = {
    ...deploymentSelection(settings),
    [LABEL.workspace]: desired.workspaceId,
    [LABEL.environment]: desired.environmentId,
  };
  const egress = egressRules(own, settings);
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      name: policyName(desired.environmentId, settings),
      namespace: namespaceOf(desired),
      labels: own,
    },
    spec: {
      podSelector: { matchLabels: own },
      policyTypes: egress === undefined ? ["Ingress"] : ["Ingress", "Egress"],
      ingress: [{ from: ingressPeers(own, desired, settings) }],
      ...(egress === undefined ? {} : { egress }),
    },
  } satisfies JsonOf<V1NetworkPolicy>;
}

/** The environment itself, its sentinels, the edge, and networks that the operator names. */
function ingressPeers(
  own: Readonly<Record<string, string>>,
  desired: DesiredDeployment,
  settings: KubernetesSettings,
): V1NetworkPolicyPeer[] {
  const { edgeNamespaces, ingressCidrs, sentinelNamespace } = settings;
  return [
    { podSelector: { matchLabels: own } },
    {
      namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: sentinelNamespace } },
      podSelector: {
        matchLabels: { [LABEL.component]: "sentinel", [LABEL.environment]: desired.environmentId },
      },
    },
    ...edgeNamespaces.map((name) => ({ namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: name } } })),
    ...ingressCidrs.map((cidr) => ({ ipBlock: { cidr } })),
  ];
}

/** Everywhere but where the operator forbids, such as the cloud's metadata service; names are always resolved. */
function egressRules(
  own: Readonly<Record<string, string>>,
  settings: KubernetesSettings,
): V1NetworkPolicyEgressRule[] | undefined {
  const denied = settings.egressDeniedCidrs;
  if (denied.length === 0) return undefined;
  const block = (cidr: string, isV6: boolean): V1NetworkPolicyPeer => {
    const except = denied.filter((each) => each.includes(":") === isV6);
    return { ipBlock: { cidr, ...(except.length === 0 ? {} : { except }) } };
  };
  return [
    { to: [block("0.0.0.0/0", false), block("::/0", true), { podSelector: { matchLabels: own } }] },
    ...dnsRules(settings),
  ];
}

/** Resolvers are pods, or processes of the node with an address of their own, which may lie in a denied network. */
function dnsRules(
  { dnsNamespaces, dnsServers }: Pick<KubernetesSettings, "dnsNamespaces" | "dnsServers">,
): V1NetworkPolicyEgressRule[] {
  const pods = dnsNamespaces.map((name) => ({
    namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: name } },
  }));
  const servers = dnsServers.map((ip) => ({ ipBlock: { cidr: `${ip}/${ip.includes(":") ? 128 : 32}` } }));
  // Without a peer a rule would allow every address.
  return [
    ...(pods.length === 0 ? [] : [{ to: pods, ports: DNS_POD_PORTS.flatMap(onBoth) }]),
    ...(servers.length === 0 ? [] : [{ to: servers, ports: onBoth(DNS_PORT) }]),
  ];
}

function onBoth(port: number): V1NetworkPolicyPort[] {
  return [{ protocol: "UDP", port }, { protocol: "TCP", port }];
}
