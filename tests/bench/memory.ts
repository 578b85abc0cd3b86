/** Resident memory of a process in MiB, from the kernel. */
export async function residentMib(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kib = status.match(/^VmRSS:\s+(\d+) kB$/m)?.[1];
  if (kib === undefined) throw new Error(`No resident memory for process ${pid}`);
  return Number(kib) / 1024;
}

/** The processes that `pid` started, and theirs. */
export async function descendants(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  const children = text.trim().split(" ").filter((each) => each !== "").map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}
