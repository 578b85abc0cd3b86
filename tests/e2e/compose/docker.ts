/** Docker's command line with the Compose and buildx plugins, for one engine. */
import { runCommand } from "../../../pkg/testkit/commands.ts";

const PARTS = new URL("../../../dev/parts/", import.meta.url).pathname;

export interface CommandOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Docker Engine 29 refuses clients that are older. */
const CLIENT_MIN = 25;

/** True when there is a command line that Docker Engine 29 answers; Debian 12 has an older one. */
export async function hasDockerClient(): Promise<boolean> {
  const { stdout } = await output("docker", ["--version"]).catch(() => ({ stdout: "" }));
  return Number(/version ([0-9]+)\./.exec(stdout)?.[1] ?? 0) >= CLIENT_MIN;
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
    return new Docker({ DOCKER_HOST: host, DOCKER_CONFIG: folder });
  }

  /** The output; throws when the command fails. */
  async run(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(args);
    if (code !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr.trim()}`);
    return stdout;
  }

  /** Runs it, however it ends. */
  async try(args: readonly string[]): Promise<CommandOutput> {
    return await output("docker", args, { env: this.env });
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
