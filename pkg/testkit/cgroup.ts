import { existsSync } from "node:fs";

const ROOT = "/sys/fs/cgroup";
/** A killed process stays in its group until it has ended. */
const EMPTY_MS = 60_000;
const POLL_MS = 20;

/** The folders of the group below the root: one with cgroup v2, one for each controller with v1. */
export async function cgroupsOf(name: string): Promise<string[]> {
  const controllers = (await Array.fromAsync(Deno.readDir(ROOT))).filter((each) => each.isDirectory);
  const paths = [ROOT, ...controllers.map((each) => `${ROOT}/${each.name}`)].map((each) => `${each}/${name}`);
  return paths.filter((path) => existsSync(path));
}

/** Processes of the group and of those in it. */
export async function cgroupProcesses(name: string): Promise<number[]> {
  const found: number[] = [];
  for (const folder of await foldersOf(name)) {
    const text = await Deno.readTextFile(`${folder}/cgroup.procs`).catch(() => "");
    found.push(...text.split("\n").filter((line) => line !== "").map(Number));
  }
  return [...new Set(found)];
}

/** Kills all processes of the group and of those in it, and removes them. */
export async function removeCgroup(name: string): Promise<void> {
  const deadline = performance.now() + EMPTY_MS;
  for (;;) {
    for (const pid of await cgroupProcesses(name)) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    for (const folder of await foldersOf(name)) await Deno.remove(folder).catch(() => undefined);
    if ((await cgroupsOf(name)).length === 0) return;
    if (performance.now() > deadline) throw new Error(`The cgroup "${name}" cannot be removed`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** All folders of the group, the innermost first. The files in them are the kernel's and go with them. */
async function foldersOf(name: string): Promise<string[]> {
  const below = async (path: string): Promise<string[]> => {
    const entries = await Array.fromAsync(Deno.readDir(path)).catch(() => []);
    const folders = entries.filter((each) => each.isDirectory);
    return [...(await Promise.all(folders.map((each) => below(`${path}/${each.name}`)))).flat(), path];
  };
  return (await Promise.all((await cgroupsOf(name)).map(below))).flat();
}
