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

/** Kills all processes of the group and of those in it, and removes them. */
export async function removeCgroup(name: string): Promise<void> {
  const deadline = performance.now() + EMPTY_MS;
  for (;;) {
    const folders = (await Promise.all((await cgroupsOf(name)).map(foldersIn))).flat();
    for (const folder of folders) await killAll(folder);
    for (const folder of folders) await Deno.remove(folder).catch(() => undefined);
    if ((await cgroupsOf(name)).length === 0) return;
    if (performance.now() > deadline) throw new Error(`The cgroup "${name}" cannot be removed`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The folder and all below it, the innermost first. The files in them are the kernel's and go with them. */
async function foldersIn(path: string): Promise<string[]> {
  const below: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) below.push(...await foldersIn(`${path}/${name}`));
  }
  return [...below, path];
}

async function killAll(folder: string): Promise<void> {
  const processes = await Deno.readTextFile(`${folder}/cgroup.procs`).catch(() => "");
  for (const pid of processes.split("\n").filter((line) => line !== "")) {
    try {
      Deno.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}
