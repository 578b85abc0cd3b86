import { canRun, PARTS_CACHE, runCommand } from "./commands.ts";

/** The output of `dev/parts/buildx.sh`. */
const PROGRAM = `${PARTS_CACHE}/bin/buildx-0.38.2`;

/** True when it has been built here. */
export async function hasBuildx(): Promise<boolean> {
  return await canRun([[PROGRAM, "version"]]);
}

/** The `docker build` of new Docker installations: the plugin by itself, with a configuration of its own. */
export class Buildx implements AsyncDisposable {
  readonly #host: string;
  readonly #config: string;

  private constructor(host: string, config: string) {
    this.#host = host;
    this.#config = config;
  }

  /** For the engine at `host`. */
  static async open(host: string): Promise<Buildx> {
    return new Buildx(host, await Deno.makeTempDir({ prefix: "unkey-buildx-" }));
  }

  /** `docker build` with these arguments; throws with its output when it fails. */
  async build(...args: readonly string[]): Promise<void> {
    const env = [
      `DOCKER_HOST=${this.#host}`,
      `DOCKER_CONFIG=${this.#config}`,
      "BUILDKIT_PROGRESS=plain",
      // Descriptions of the build would make an index of the image.
      "BUILDX_NO_DEFAULT_ATTESTATIONS=1",
    ];
    await runCommand("env", ...env, PROGRAM, "build", "--quiet", ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#config, { recursive: true });
  }
}
