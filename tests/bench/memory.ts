/** Resident memory of a process in MiB, from the kernel. */
export function residentMib(pid: number): Promise<number> {
  return statusMib(pid, "VmRSS");
}

/** The most that was resident since `resetPeak`. */
export function peakMib(pid: number): Promise<number> {
  return statusMib(pid, "VmHWM");
}

/** Makes `peakMib` begin anew. */
export async function resetPeak(pid: number): Promise<void> {
  await Deno.writeTextFile(`/proc/${pid}/clear_refs`, "5");
}

async function statusMib(pid: number, field: string): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kib = status.match(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m"))?.[1];
  if (kib === undefined) throw new Error(`No ${field} for process ${pid}`);
  return Number(kib) / 1024;
}

/** The processes that `pid` started, and theirs. */
export async function descendants(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  const children = text.trim().split(" ").filter((each) => each !== "").map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}
