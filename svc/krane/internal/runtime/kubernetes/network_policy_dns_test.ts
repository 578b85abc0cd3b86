import assert from "node:assert/strict";
import { z } from "zod";
import { networkPolicy } from "./network_policy.ts";
import { DESIRED, settings } from "./testing_manifests.ts";

const Peer = z.object({
  ipBlock: z.object({ cidr: z.string(), except: z.array(z.string()).optional() }).optional(),
  namespaceSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }).optional(),
  podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }).optional(),
});
const Spec = z.object({
  policyTypes: z.array(z.string()),
  ingress: z.array(z.object({ from: z.array(Peer) })),
  egress: z.array(z.object({
    to: z.array(Peer),
    ports: z.array(z.object({ protocol: z.string(), port: z.number() })).optional(),
  })).optional(),
});
type Peer = z.output<typeof Peer>;

function specOf(flags: Readonly<Record<string, string>>): z.output<typeof Spec> {
  return Spec.parse(networkPolicy(DESIRED, settings(flags))["spec"]);
}

/** A peer in one word: its network, or its namespace. */
function peerText({ ipBlock, namespaceSelector }: Peer): string {
  return ipBlock?.cidr ?? namespaceSelector?.matchLabels["kubernetes.io/metadata.name"] ?? "own";
}

interface DnsCase {
  readonly name: string;
  readonly flags: Readonly<Record<string, string>>;
  /** The peers and ports of each rule for resolvers. */
  readonly rules: readonly (readonly [peers: string, ports: string])[];
}

const POD_PORTS = "UDP/53 TCP/53 UDP/5353 TCP/5353";
const SERVER_PORTS = "UDP/53 TCP/53";

const DNS: readonly DnsCase[] = [
  {
    name: "pods of one namespace",
    flags: { "dns-namespaces": "kube-system" },
    rules: [["kube-system", POD_PORTS]],
  },
  {
    name: "pods of several namespaces are one rule",
    flags: { "dns-namespaces": "kube-system,openshift-dns" },
    rules: [["kube-system openshift-dns", POD_PORTS]],
  },
  {
    name: "addresses of both families are single hosts",
    flags: { "dns-namespaces": "none", "dns-servers": "10.96.0.10,fd00::a" },
    rules: [["10.96.0.10/32 fd00::a/128", SERVER_PORTS]],
  },
  {
    name: "pods and addresses have ports of their own",
    flags: { "dns-namespaces": "kube-system", "dns-servers": "169.254.20.10" },
    rules: [["kube-system", POD_PORTS], ["169.254.20.10/32", SERVER_PORTS]],
  },
  { name: "no resolvers at all", flags: { "dns-namespaces": "none" }, rules: [] },
];

Deno.test("networkPolicy() lets apps reach resolvers also in denied networks, at their ports only", async (t) => {
  for (const { name, flags, rules } of DNS) {
    await t.step(name, () => {
      const [everywhere, ...dns] = specOf(flags).egress ?? [];
      assert.equal(everywhere?.ports, undefined, "the first rule is for all ports");
      assert.deepEqual(
        dns.map(({ to, ports = [] }) => [
          to.map(peerText).join(" "),
          ports.map(({ port, protocol }) => `${protocol}/${port}`).join(" "),
        ]),
        rules,
      );
    });
  }
});

interface DeniedCase {
  readonly denied: string;
  readonly v4: readonly string[] | undefined;
  readonly v6: readonly string[] | undefined;
}

/** Kubernetes refuses an exception that lies outside its block. */
const DENIED: readonly DeniedCase[] = [
  { denied: "169.254.0.0/16", v4: ["169.254.0.0/16"], v6: undefined },
  { denied: "fd00:ec2::/32", v4: undefined, v6: ["fd00:ec2::/32"] },
  { denied: "10.0.0.0/8,fe80::/10,192.168.0.0/16", v4: ["10.0.0.0/8", "192.168.0.0/16"], v6: ["fe80::/10"] },
];

Deno.test("networkPolicy() takes denied networks out of their own address family", async (t) => {
  for (const { denied, v4, v6 } of DENIED) {
    await t.step(denied, () => {
      const spec = specOf({ "egress-denied-cidrs": denied });
      assert.deepEqual(spec.policyTypes, ["Ingress", "Egress"]);
      const [first] = spec.egress ?? [];
      const exceptOf = (cidr: string) =>
        first?.to.find(({ ipBlock }) => ipBlock?.cidr === cidr)?.ipBlock?.except;
      assert.deepEqual([exceptOf("0.0.0.0/0"), exceptOf("::/0")], [v4, v6]);
      const own = first?.to.find(({ podSelector }) => podSelector !== undefined);
      assert.equal(
        Object.values(own?.podSelector?.matchLabels ?? {}).includes(DESIRED.environmentId),
        true,
        "apps of the environment reach each other, whatever network they are in",
      );
    });
  }
});

Deno.test("networkPolicy() says nothing about egress where nothing is denied", () => {
  const spec = specOf({ "egress-denied-cidrs": "none", "dns-servers": "10.96.0.10" });
  assert.deepEqual([spec.policyTypes, spec.egress], [["Ingress"], undefined]);
});

Deno.test("networkPolicy() lets in the environment, its own sentinels and what the operator names", () => {
  const flags = {
    "edge-namespaces": "edge-a,edge-b",
    "ingress-cidrs": "10.1.0.0/16",
    "sentinel-namespace": "guards",
  };
  const [own, sentinels, ...others] = specOf(flags).ingress[0]?.from ?? [];
  assert.equal(own?.namespaceSelector, undefined, "pods of the own namespace only");
  assert.equal(peerText(sentinels ?? {}), "guards");
  const labels = Object.values(sentinels?.podSelector?.matchLabels ?? {});
  assert.deepEqual(labels.toSorted(), [DESIRED.environmentId, "sentinel"].toSorted());
  assert.deepEqual(others.map(peerText), ["edge-a", "edge-b", "10.1.0.0/16"]);
});
