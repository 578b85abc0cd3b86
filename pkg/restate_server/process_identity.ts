/**
 * The mark that distinguishes the process `pid` from every other that has or had this number, on this machine and boot; `undefined` when
 * there is no such process, or only what is left of it until its parent asks.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  return Deno.build.os === "linux" ? await linuxIdentity(pid) : await psIdentity(pid);
}

async function linuxIdentity(pid: number): Promise<string | undefined> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => undefined);
  if (stat === undefined) return undefined;
  // The program's name stands in parentheses and may contain anything; fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTicks] = [fields[0], fields[19]];
  if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
  const boot = await Deno.readTextFile("/proc/sys/kernel/random/boot_id");
  return `${boot.trim()} ${startTicks}`;
}

async function psIdentity(pid: number): Promise<string | undefined> {
  const ps = new Deno.Command("ps", { args: ["-o", "stat=,lstart=", "-p", String(pid)], stderr: "null" });
  const { success, stdout } = await ps.output();
  const [state, ...started] = new TextDecoder().decode(stdout).trim().split(/\s+/);
  return success && state !== undefined && !state.startsWith("Z") ? started.join(" ") : undefined;
}
