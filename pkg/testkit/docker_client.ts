import { ROOT_PATH, runCommand } from "./commands.ts";

/** Docker's own client, the reference for builds. It has a configuration of its own, so it knows no credentials. */
export class DockerClient implements AsyncDisposable {
  /** Its `DOCKER_CONFIG`. */
  readonly config: string;
  readonly #program: string;
  readonly #host: string;

  private constructor(program: string, host: string, config: string) {
    this.#program = program;
    this.#host = host;
    this.config = config;
  }

  /** For the engine at `host`; throws when `findDockerClient()` finds none. */
  static async open(host: string): Promise<DockerClient> {
    const program = await findDockerClient();
    if (program === undefined) throw new Error("There is no Docker client here that builds with BuildKit");
    return new DockerClient(program, host, await Deno.makeTempDir({ prefix: "unkey-docker-client-" }));
  }

  /** Returns the command's stdout; throws with its stderr when it fails. */
  async run(...args: readonly string[]): Promise<string> {
    const env = ["DOCKER_BUILDKIT=1", "BUILDKIT_PROGRESS=plain", `DOCKER_CONFIG=${this.config}`];
    return (await runCommand("env", ...env, this.#program, "--host", this.#host, ...args)).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.config, { recursive: true });
  }
}

/** Clients from 23 on build with BuildKit only when they have the plugin "buildx"; those before have it built in. */
const PLUGIN_SINCE = 23;

/** The path of a Docker client that builds with BuildKit. Several may be installed. */
export async function findDockerClient(): Promise<string | undefined> {
  for (const folder of ROOT_PATH.split(":")) {
    const program = `${folder}/docker`;
    const version = await runCommand(program, "--version").catch(() => "");
    const major = Number(/version (\d+)\./.exec(version)?.[1] ?? Infinity);
    if (major < PLUGIN_SINCE) return program;
    if (version !== "" && await runCommand(program, "buildx", "version").catch(() => "") !== "") {
      return program;
    }
  }
  return undefined;
}
