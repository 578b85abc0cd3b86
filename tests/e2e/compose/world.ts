/** A machine for Docker Compose: its own network, engine and checkout, and a reader of the page at a shell. */
import { eventually } from "../../../pkg/testkit/eventually.ts";
import { PrivateEngine } from "../../../pkg/testkit/private_engine.ts";
import { ROOT_PATH, runCommand } from "../../../pkg/testkit/commands.ts";
import { baseImageTar } from "../../../pkg/testkit/base_image.ts";
import { type Answer, askEdge } from "../../testbed/ask.ts";
import { type CommandOutput, Docker, output } from "./docker.ts";
import { buildStandIns } from "./images.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
/** A checkout as far as an image and a deploy need it. `dev` is copied: its scripts write beside themselves. */
const LINKED = ["cmd", "svc", "pkg", "proto", "node_modules", "main.ts", "deno.json", "deno.lock", "docs"];
const COPIED = ["dev", "examples"];
const EDGE_PORT = 7070;

/** Must be made in a network namespace of its own. Dispose of it, or its engine stays. */
export class ComposeWorld implements AsyncDisposable {
  readonly docker: Docker;
  readonly engine: PrivateEngine;
  readonly checkout: string;
  readonly #directory: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(
    engine: PrivateEngine,
    docker: Docker,
    { directory, images }: { readonly directory: string; readonly images: Readonly<Record<string, string>> },
  ) {
    this.engine = engine;
    this.docker = docker;
    this.#directory = directory;
    this.checkout = `${directory}/checkout`;
    this.#env = {
      ...docker.env,
      ...images,
      PATH: `${directory}/bin:${directory}/docker/bin:${ROOT_PATH}`,
      UNKEY_DOCKER_SOCKET: engine.host.replace("unix://", ""),
      XDG_CONFIG_HOME: `${directory}/config`,
      NO_COLOR: "1",
    };
  }

  static async create(): Promise<ComposeWorld> {
    await runCommand("ip", "link", "set", "lo", "up");
    const engine = await PrivateEngine.open({ engine: "29", firewall: true });
    const directory = await Deno.makeTempDir({ prefix: "unkey-compose-" });
    try {
      const docker = await Docker.open(engine.host, `${directory}/docker`);
      const images = await buildStandIns(docker);
      const world = new ComposeWorld(engine, docker, { directory, images });
      await world.#prepare();
      return world;
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
      throw error;
    }
  }

  async #prepare(): Promise<void> {
    await Deno.mkdir(this.checkout);
    for (const name of LINKED) await Deno.symlink(`${ROOT}${name}`, `${this.checkout}/${name}`);
    for (const name of COPIED) await runCommand("cp", "-r", `${ROOT}${name}`, `${this.checkout}/${name}`);
    await Deno.remove(`${this.checkout}/dev/.env`).catch(() => undefined);
    await Deno.remove(`${this.checkout}/dev/secrets`, { recursive: true }).catch(() => undefined);
    await Deno.mkdir(`${this.#directory}/bin`);
    await Deno.symlink(Deno.execPath(), `${this.#directory}/bin/deno`);
    const call = `exec deno run -A --quiet ${ROOT}main.ts "$@"`;
    await Deno.writeTextFile(`${this.#directory}/bin/unkey`, `#!/bin/sh\n${call}\n`, { mode: 0o755 });
    await Deno.writeTextFile(this.#state, "");
    // The base image of examples/hello, which a machine with a registry of images pulls.
    const tar = `${this.#directory}/base.tar`;
    await Deno.writeFile(tar, await baseImageTar());
    await this.docker.run(["import", "--change", "ENV PATH=/bin", tar, "busybox:stable"]);
  }

  get #state(): string {
    return `${this.#directory}/state`;
  }

  /** Runs lines as a reader types them: what they export and define is there for the next ones. */
  async type(lines: string): Promise<CommandOutput> {
    const script =
      `set -euo pipefail\nsource "${this.#state}"\n${lines}\n{ export -p; declare -f; } >"${this.#state}"\n`;
    return await output("bash", ["-c", script], { cwd: this.checkout, env: this.#env });
  }

  /** The same for lines that have to end well. */
  async must(lines: string): Promise<string> {
    const { code, stdout, stderr } = await this.type(lines);
    if (code !== 0) throw new Error(`exit code ${code} of:\n${lines}\n${stdout}\n${stderr}`);
    return stdout + stderr;
  }

  get(url: string): Promise<Answer> {
    return askEdge(EDGE_PORT, url);
  }

  /** Waits until the edge answers with a text. */
  async answers(url: string, text: string): Promise<void> {
    await eventually(`${url} to answer "${text}"`, async () => {
      const { status, body } = await this.get(url).catch(() => ({ status: 0, body: "" }));
      return status === 200 && body.includes(text);
    });
  }

  /** For the report of a step that failed. */
  async logs(): Promise<string> {
    return (await this.type("docker compose ps --all; docker compose logs --tail 6")).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
    await Deno.remove(this.#directory, { recursive: true });
  }
}
