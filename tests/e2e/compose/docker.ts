/** Docker's command line with the Compose and buildx plugins, for one engine. */
import { runCommand } from "../../../pkg/testkit/commands.ts";

const PARTS = new URL("../../../dev/parts/", import.meta.url).pathname;

export interface CommandOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Speaks to one engine; its settings and plugins are in a folder of its own. */
export class Docker {
  /** Variables with which `docker` does the same in other processes. */
  readonly env: Readonly<Record<string, string>>;

  constructor(env: Readonly<Record<string, string>>) {
    this.env = env;
  }

  /** The plugins are built where they are missing. */
  static async open(host: string, folder: string): Promise<Docker> {
    const plugins = `${folder}/cli-plugins`;
    await Deno.mkdir(plugins, { recursive: true });
    for (const name of ["compose", "buildx"]) {
      const program = (await runCommand(`${PARTS}${name}.sh`)).trim();
      await Deno.symlink(program, `${plugins}/docker-${name}`);
    }
    // Debian's command line is too old for Docker Engine 29.
    await Deno.mkdir(`${folder}/bin`);
    await Deno.symlink((await runCommand(`${PARTS}docker_cli.sh`)).trim(), `${folder}/bin/docker`);
    const path = `${folder}/bin:${Deno.env.get("PATH") ?? ""}`;
    return new Docker({ DOCKER_HOST: host, DOCKER_CONFIG: folder, PATH: path });
  }

  /** The output; throws when the command fails. */
  async run(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(args);
    if (code !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr.trim()}`);
    return stdout;
  }

  /** Runs it, however it ends. */
  async try(args: readonly string[]): Promise<CommandOutput> {
    return await output(`${this.env["DOCKER_CONFIG"]}/bin/docker`, args, { env: this.env });
  }
}

/** Runs a program to its end. */
export async function output(
  program: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<CommandOutput> {
  const command = new Deno.Command(program, { args: [...args], ...options, stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
