import { untilReady } from "../daemon.ts";
import type { Starting } from "../folder.ts";
import { queuePackets } from "./network.ts";
import { NODE_NAME, Places, POLICY_QUEUE } from "./settings.ts";

/** Starts what enforces NetworkPolicies. It is ready when it listens to its queue of the kernel's. */
export async function startPolicies(starting: Starting, program: string): Promise<void> {
  const { kubeconfig, pluginSocket } = new Places(starting.folder);
  const daemon = await starting.launch({
    name: "network-policies",
    command: program,
    args: [
      `-kubeconfig=${kubeconfig}`,
      `-containerd=${pluginSocket}`,
      `-node=${NODE_NAME}`,
      `-queue=${POLICY_QUEUE}`,
    ],
  });
  await untilReady(daemon, async () => {
    const queues = await Deno.readTextFile("/proc/net/netfilter/nfnetlink_queue").catch(() => "");
    return queues.split("\n").some((line) => line.trim().startsWith(`${POLICY_QUEUE} `));
  });
  await queuePackets();
}
