import { runCommand } from "./commands.ts";

/** Settings of a containerd that writes in `directory` only, and knows neither Kubernetes nor plugins. */
export function containerdConfig(directory: string): string {
  return `version = 3
root = "${directory}/containerd"
state = "${directory}/containerd-state"
disabled_plugins = [
  "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime",
  "io.containerd.grpc.v1.cri",
  "io.containerd.nri.v1.nri",
]

[grpc]
  address = "${directory}/containerd.sock"
[ttrpc]
  address = "${directory}/containerd.sock.ttrpc"

[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"
`;
}

/** True when the containerd of this folder answers. */
export async function containerdAnswers(ctr: string, directory: string): Promise<boolean> {
  const args = ["--address", `${directory}/containerd.sock`, "--timeout", "2s", "version"];
  return await runCommand(ctr, ...args).then(() => true, () => false);
}

/** The state folders of the own containerd, and of the one that Docker Engine 20.10 starts itself. */
const STATES = ["containerd-state", "exec/containerd/daemon"];
/** The file with the address of a shim; the second one is of containerd 1. */
const ADDRESSES = ["bootstrap.json", "address"];

/** Sockets of the shims of this containerd's containers; they are outside of its folder. */
export async function shimSockets(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const state of STATES) {
    const tasks = `${directory}/${state}/io.containerd.runtime.v2.task`;
    for (const namespace of await names(tasks)) {
      for (const id of await names(`${tasks}/${namespace}`)) {
        for (const file of ADDRESSES) {
          const text = await Deno.readTextFile(`${tasks}/${namespace}/${id}/${file}`).catch(() => "");
          const socket = /unix:\/\/(\/[^"\s]+)/.exec(text)?.[1];
          if (socket !== undefined) found.push(socket);
        }
      }
    }
  }
  return [...new Set(found)];
}

/** Removes the sockets that killed shims leave. Run it before the folder is removed: it says where they are. */
export async function removeShimSockets(directory: string): Promise<void> {
  for (const socket of await shimSockets(directory)) await Deno.remove(socket).catch(() => undefined);
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
