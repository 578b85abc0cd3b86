import { run } from "../part.ts";
import { NETWORK, Places } from "./settings.ts";

/** Kills the shims of this containerd, whose containers are dead by now. They are known by its socket. */
export async function endShims(folder: string): Promise<void> {
  const { containerdSocket } = new Places(folder);
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const command = (await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "")).split("\0");
    const isShim = command[0]?.endsWith("/containerd-shim-runc-v2") && command.includes(containerdSocket);
    if (!isShim) continue;
    try {
      Deno.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** Sockets that killed shims leave outside the folder. Run it before the folder is removed: it says where they are. */
export async function removeShimSockets(folder: string): Promise<void> {
  const bundles = `${new Places(folder).containerdState}/io.containerd.runtime.v2.task/k8s.io`;
  for (const { name } of await entries(bundles)) {
    const text = await Deno.readTextFile(`${bundles}/${name}/bootstrap.json`).catch(() => "");
    const socket = /unix:\/\/(\/[^"]+)/.exec(text)?.[1];
    if (socket !== undefined) await Deno.remove(socket).catch(() => undefined);
  }
}

/** Unmounts what is left in the folder, the innermost first; it could not be removed otherwise. */
export async function unmountAll(folder: string): Promise<void> {
  const mounts = (await Deno.readTextFile("/proc/self/mounts")).split("\n")
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of mounts.reverse()) await run("umount", ["-l", path]);
}

/** Where programs write in spite of all settings: the folders, each after what is in it, and the files. */
const STRAY_FOLDERS = [
  "/var/lib/kubelet/device-plugins",
  "/var/lib/kubelet",
  "/var/lib/cni/results",
  "/var/lib/cni",
  "/var/log/containers",
  "/run/runc",
];

/** Removes the bed's files outside of its folder. A folder goes only when it is empty then. */
export async function removeStrays(folder: string): Promise<void> {
  for (const { name } of await entries("/var/log/containers")) {
    const link = `/var/log/containers/${name}`;
    const target = await Deno.readLink(link).catch(() => "");
    if (target.startsWith(folder)) await Deno.remove(link);
  }
  for (const { name } of await entries("/var/lib/cni/results")) {
    if (name.startsWith(`${NETWORK}-`)) await Deno.remove(`/var/lib/cni/results/${name}`);
  }
  for (const name of ["kubelet.sock", "kubelet_internal_checkpoint"]) {
    await Deno.remove(`/var/lib/kubelet/device-plugins/${name}`).catch(() => undefined);
  }
  for (const each of STRAY_FOLDERS) await Deno.remove(each).catch(() => undefined);
}

async function entries(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
