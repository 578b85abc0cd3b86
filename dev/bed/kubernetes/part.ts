import { end } from "../daemon.ts";
import { bedFolder, type StartedPart, type Starting } from "../folder.ts";
import { built, type Part, run } from "../part.ts";
import { makeCgroups, removeCgroups } from "./cgroup.ts";
import { endShims, removeShimSockets, removeStrays, unmountAll } from "./clean.ts";
import { startContainerd } from "./containerd.ts";
import { startControlPlane } from "./control_plane.ts";
import { importImages } from "./images.ts";
import { closeNetwork, openNetwork } from "./network.ts";
import { startPolicies } from "./policies.ts";
import { startNode } from "./node.ts";
import { NODE_ADDRESS, NODE_NAME, Places } from "./settings.ts";

/** The order in which the processes end: nothing loses what it writes to before it is gone itself. */
const LAST = ["containerd", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"];

/** A Kubernetes of one node that runs pods for real. */
export const kubernetes: Part = {
  name: "kubernetes",
  async start(starting: Starting): Promise<void> {
    const program = await findPrograms();
    const [kwok, policies] = [await built("kwok"), await built("network_policies")];
    const { kubeconfig } = new Places(starting.folder);
    await openNetwork();
    await makeCgroups();
    const [url] = await Promise.all([
      startControlPlane(starting, program),
      startContainerd(starting, program).then(() => importImages(starting.folder, program)),
    ]);
    await startNode(starting, program);
    await startPolicies(starting, policies);
    starting.done(url, {
      kubeconfig,
      kubectl: program("kubectl"),
      kwok,
      nodeName: NODE_NAME,
      nodeAddress: NODE_ADDRESS,
      enforcesNetworkPolicy: "true",
      "kube-proxy": program("kube-proxy"),
    });
  },
  async stop({ daemons, facts }: StartedPart): Promise<void> {
    const folder = `${bedFolder()}/kubernetes`;
    for (const daemon of daemons.filter(({ name }) => !LAST.includes(name))) await end(daemon);
    await removeCgroups();
    await endShims(folder);
    for (const name of LAST) {
      for (const daemon of daemons.filter((each) => each.name === name)) await end(daemon);
    }
    await endShims(folder);
    const proxy = facts["kube-proxy"];
    if (proxy !== undefined) await run(proxy, ["--cleanup"]);
    await closeNetwork();
    await removeShimSockets(folder);
    await unmountAll(folder);
    await removeStrays(folder);
  },
};

/** The built programs and Debian's. `KUBEBUILDER_ASSETS` names a folder whose programs are used instead. */
async function findPrograms(): Promise<(name: string) => string> {
  const given = Deno.env.get("KUBEBUILDER_ASSETS");
  const folder = await built("kubernetes");
  const folders = [
    ...(given === undefined ? [] : [given]),
    folder,
    "/usr/sbin",
    "/usr/bin",
    "/usr/local/bin",
  ];
  return (name) => {
    const found = folders.map((each) => `${each}/${name}`).find((path) => exists(path));
    if (found === undefined) throw new Error(`${name} is nowhere to be found.`);
    return found;
  };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
