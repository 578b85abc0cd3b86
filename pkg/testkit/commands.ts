const HOME_CACHE = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;

/** The folder of the programs that the scripts under `dev/parts` build. */
export const PARTS_CACHE = Deno.env.get("UNKEY_DEV_CACHE") ?? `${HOME_CACHE}/unkey-dev`;
/** PATH with the folders of programs for root, which a user's PATH may lack. */
export const ROOT_PATH = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;

/** True for root on Linux when each command, with its arguments, ends well. */
export async function canRun(commands: readonly (readonly [string, ...string[]])[]): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  for (const [name, ...args] of commands) {
    const options = { args, env: { PATH: ROOT_PATH }, stdout: "null", stderr: "null" } as const;
    try {
      if (!(await new Deno.Command(name, options).output()).success) return false;
    } catch {
      return false;
    }
  }
  return true;
}

/** Ends a child with SIGKILL and reaps it; a child that has ended by itself is no error, which would hide the test's own. */
export async function killChild(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  await child.status;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, with this text as its input, if there is any. */
export async function outputOf(
  name: string,
  args: readonly string[],
  stdin?: string,
): Promise<CommandResult> {
  const child = new Deno.Command(name, {
    args: [...args],
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs a command to its end and returns its stdout; throws with its stderr when it fails. */
export async function runCommand(name: string, ...args: readonly string[]): Promise<string> {
  const command = new Deno.Command(name, { args: [...args], env: { PATH: ROOT_PATH }, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`${name} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}
