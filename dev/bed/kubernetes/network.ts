import { run } from "../part.ts";
import { BRIDGE, NODE_ADDRESS, POD_CIDR } from "./settings.ts";

/** Gives the machine the node's address and lets packets of pods pass, also where Docker drops what it does not know. */
export async function openNetwork(): Promise<void> {
  await run("ip", ["address", "replace", `${NODE_ADDRESS}/32`, "dev", "lo"]);
  await run("sysctl", ["-q", "-w", "net.ipv4.ip_forward=1"]);
  for (const rule of RULES) {
    const there = await run("iptables", ["-w", "-C", "FORWARD", ...rule]).then(() => true, () => false);
    if (!there) await run("iptables", ["-w", "-A", "FORWARD", ...rule]);
  }
}

/** Takes back what `openNetwork` and the pods' network did, and the chain that kube-proxy's clean-up leaves. */
export async function closeNetwork(): Promise<void> {
  for (const tables of ["iptables", "ip6tables"]) {
    for (const chain of ["INPUT", "OUTPUT"]) {
      await run(tables, ["-w", "-D", chain, "-j", "KUBE-FIREWALL"]).catch(() => undefined);
    }
    for (const action of ["-F", "-X"]) {
      await run(tables, ["-w", action, "KUBE-FIREWALL"]).catch(() => undefined);
    }
  }
  for (const rule of RULES) await run("iptables", ["-w", "-D", "FORWARD", ...rule]).catch(() => undefined);
  await run("ip", ["link", "delete", BRIDGE]).catch(() => undefined);
  await run("ip", ["address", "delete", `${NODE_ADDRESS}/32`, "dev", "lo"]).catch(() => undefined);
}

const RULES = ["-s", "-d"].map((side) => [
  ...[side, POD_CIDR, "-m", "comment", "--comment", "unkey testbed", "-j", "ACCEPT"],
]);
