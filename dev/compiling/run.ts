const ROOT = new URL("../../", import.meta.url).pathname;

export interface Finished {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in the root of the repository, to its end. */
export async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const command = new Deno.Command(program, { args: [...args], cwd: ROOT, env, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  return { ok: success, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}
