import { pause } from "../daemon.ts";
import { CGROUP } from "./settings.ts";

const ROOT = "/sys/fs/cgroup";
const GONE_MS_MAX = 120_000;

/** Makes the group of all pods in every hierarchy; the kubelet does not make it. */
export async function makeCgroups(): Promise<void> {
  for (const folder of await hierarchies()) {
    await Deno.mkdir(`${folder}/${CGROUP}`, { recursive: true });
    // A new group of the first version's cpuset has no processors, and nothing can join it.
    for (const name of ["cpuset.cpus", "cpuset.mems"]) {
      const all = await Deno.readTextFile(`${folder}/${name}`).catch(() => "");
      if (all.trim() !== "") await Deno.writeTextFile(`${folder}/${CGROUP}/${name}`, all);
    }
    // In the second version a group passes on only the controllers that are enabled in it.
    const controllers = await Deno.readTextFile(`${folder}/${CGROUP}/cgroup.controllers`).catch(() => "");
    for (const controller of controllers.split(/\s+/).filter((each) => each !== "")) {
      await Deno.writeTextFile(`${folder}/${CGROUP}/cgroup.subtree_control`, `+${controller}`)
        .catch(() => undefined);
    }
  }
}

/** Kills every process of every pod and removes the groups. */
export async function removeCgroups(): Promise<void> {
  const deadline = performance.now() + GONE_MS_MAX;
  for (;;) {
    const groups = await podGroups();
    for (const group of groups) await killAll(group);
    for (const group of groups) await Deno.remove(group).catch(() => undefined);
    if ((await podGroups()).length === 0) return;
    if (performance.now() > deadline) throw new Error(`The pods' cgroups cannot be removed: ${groups[0]}`);
    await pause(50);
  }
}

async function killAll(group: string): Promise<void> {
  const processes = await Deno.readTextFile(`${group}/cgroup.procs`).catch(() => "");
  for (const pid of processes.split("\n").filter((line) => line !== "")) {
    try {
      Deno.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** All groups of the bed, the deepest first. */
async function podGroups(): Promise<string[]> {
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isDirectory) await walk(`${folder}/${entry.name}`);
    }
    found.push(folder);
  };
  for (const folder of await hierarchies()) {
    await walk(`${folder}/${CGROUP}`).catch((error: unknown) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  return found;
}

/** Where groups are made: one tree, or one for each controller. */
async function hierarchies(): Promise<string[]> {
  const mounts = (await Deno.readTextFile("/proc/self/mounts")).split("\n").map((line) => line.split(" "));
  return mounts.filter(([, folder = "", kind = ""]) => kind.startsWith("cgroup") && folder.startsWith(ROOT))
    .map(([, folder = ""]) => folder);
}
