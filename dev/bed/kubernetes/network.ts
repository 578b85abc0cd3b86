import { run } from "../part.ts";
import { BRIDGE, NODE_ADDRESS, POD_CIDR, POLICY_QUEUE } from "./settings.ts";

const COMMENT = ["-m", "comment", "--comment", "unkey testbed"];
/** Packets of pods pass, also where Docker drops what it does not know. */
const FORWARDED = ["-s", "-d"].map((side) => [side, POD_CIDR, ...COMMENT, "-j", "ACCEPT"]);
/** Where packets wait for the verdict of the network policies. */
const CHAIN = "UNKEY-TESTBED";
const QUEUED: readonly (readonly string[])[] = [
  // The machine's own: the kubelet's probes reach every pod.
  ["-m", "owner", "--uid-owner", "0", "-j", "RETURN"],
  ["-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "RETURN"],
  ...["-s", "-d"].map((side) => [
    ...[side, POD_CIDR, "-j", "NFQUEUE", "--queue-num", String(POLICY_QUEUE), "--queue-bypass"],
  ]),
];

/** Gives the machine the node's address and lets packets of pods pass. */
export async function openNetwork(): Promise<void> {
  await run("ip", ["address", "replace", `${NODE_ADDRESS}/32`, "dev", "lo"]);
  await run("sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"]);
  // Packets between two pods on the bridge are seen by the rules too; where this is a module, it is loaded first.
  await run("modprobe", ["br_netfilter"]).catch(() => undefined);
  await run("sysctl", ["-q", "-w", "net.bridge.bridge-nf-call-iptables=1"]);
  for (const rule of FORWARDED) await iptables("-A", "FORWARD", ...rule);
}

/**
 * Asks the network policies about the first packet of each connection of a pod, behind the translation of Services.
 * They would make these rules themselves, but in a form that not every kernel has.
 */
export async function queuePackets(): Promise<void> {
  await iptables("-t", "mangle", "-N", CHAIN);
  for (const rule of QUEUED) await iptables("-t", "mangle", "-A", CHAIN, ...rule);
  await iptables("-t", "mangle", "-A", "POSTROUTING", "-j", CHAIN);
}

/** Takes back what was done here, by the pods' network, and what kube-proxy's own clean-up leaves. */
export async function closeNetwork(): Promise<void> {
  const steps = [
    ...FORWARDED.map((rule) => ["iptables", "-w", "-D", "FORWARD", ...rule]),
    ["iptables", "-w", "-t", "mangle", "-D", "POSTROUTING", "-j", CHAIN],
    ["iptables", "-w", "-t", "mangle", "-F", CHAIN],
    ["iptables", "-w", "-t", "mangle", "-X", CHAIN],
    ...["iptables", "ip6tables"].flatMap((program) => [
      [program, "-w", "-D", "INPUT", "-j", "KUBE-FIREWALL"],
      [program, "-w", "-D", "OUTPUT", "-j", "KUBE-FIREWALL"],
      [program, "-w", "-F", "KUBE-FIREWALL"],
      [program, "-w", "-X", "KUBE-FIREWALL"],
    ]),
    ["ip", "link", "delete", BRIDGE],
    ["ip", "address", "delete", `${NODE_ADDRESS}/32`, "dev", "lo"],
  ];
  // What a start that failed did not come to is not there.
  for (const [command = "", ...args] of steps) await run(command, args).catch(() => undefined);
}

async function iptables(...args: readonly string[]): Promise<void> {
  await run("iptables", ["-w", ...args]);
}
