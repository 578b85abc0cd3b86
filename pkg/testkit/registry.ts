/**
 * An OCI registry of a test's own: Debian's `docker-registry`, on a free port of this machine.
 *
 * ```ts
 * await using registry = await TestRegistry.start({ credentials: true });
 * await push(`${registry.name}/team/app:1`);
 * ```
 *
 * @module
 */
import { Secret } from "../config/mod.ts";
import { killChild } from "./commands.ts";
import { freePort } from "./ports.ts";

/** The only user of a registry that asks who is there. */
export const REGISTRY_USER = { username: "pusher", password: new Secret("push-password") };
/** The same as a line of an htpasswd file. */
const HTPASSWD = "pusher:$2y$05$3ALkaMMVJXfVeYw6FThbu./OybTYcdx.4Sl5Qt5xoo/2qrIxABBiG\n";

export interface TestRegistryOptions {
  /** Asks for the credentials of `REGISTRY_USER`. */
  readonly credentials?: boolean;
  /** Where it keeps its blobs, instead of a folder that goes with it. */
  readonly folder?: string;
}

const NAME = "docker-registry";
const READY_MS = 120_000;
const PROGRAM = findProgram();

/** True when a registry can be started here. */
export function hasRegistry(): boolean {
  return PROGRAM !== undefined;
}

/** A running registry. Dispose of it, or it stays. */
export class TestRegistry implements AsyncDisposable {
  /** Host and port, as images are named. */
  readonly name: string;
  readonly #directory: string;
  #process: Deno.ChildProcess | undefined;

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.name = `localhost:${port}`;
  }

  static async start(options: TestRegistryOptions = {}): Promise<TestRegistry> {
    const directory = await Deno.makeTempDir({ prefix: "unkey-registry-" });
    const port = freePort();
    const registry = new TestRegistry(directory, port);
    const folder = options.folder ?? `${directory}/blobs`;
    const auth = options.credentials === true
      ? ["auth:", "  htpasswd:", "    realm: test", `    path: ${directory}/htpasswd`]
      : [];
    await Deno.writeTextFile(`${directory}/htpasswd`, HTPASSWD);
    await Deno.writeTextFile(
      `${directory}/config.yml`,
      [
        "version: 0.1",
        "log:",
        "  level: error",
        "storage:",
        "  filesystem:",
        `    rootdirectory: ${folder}`,
        "http:",
        `  addr: 127.0.0.1:${port}`,
        ...auth,
        "",
      ].join("\n"),
    );
    try {
      await registry.resume();
      return registry;
    } catch (error) {
      await registry[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts it again, with what it had. */
  async resume(): Promise<void> {
    if (PROGRAM === undefined) throw new Error(`There is no ${NAME} here`);
    this.#process = new Deno.Command(PROGRAM, {
      args: ["serve", `${this.#directory}/config.yml`],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const deadline = performance.now() + READY_MS;
    while (!await this.#answers()) {
      if (performance.now() > deadline) throw new Error("the registry does not answer");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async pause(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    await killChild(process);
  }

  /** Asks the registry as its user would. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const { username, password } = REGISTRY_USER;
    const headers = new Headers(init.headers);
    headers.set("authorization", `Basic ${btoa(`${username}:${password.reveal()}`)}`);
    return await fetch(`http://${this.name}${path}`, { ...init, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pause();
    await Deno.remove(this.#directory, { recursive: true });
  }

  async #answers(): Promise<boolean> {
    try {
      const answer = await this.fetch("/v2/");
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    }
  }
}

/** On PATH, or where the development scripts unpack it. */
function findProgram(): string | undefined {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
  const unpacked = `${Deno.env.get("UNKEY_DEV_CACHE") ?? `${home}/unkey-dev`}/bin`;
  for (const folder of [...(Deno.env.get("PATH") ?? "").split(":"), unpacked]) {
    const matches = (name: string): boolean =>
      folder === unpacked ? name.startsWith(`${NAME}-`) : name === NAME;
    try {
      for (const { name, isFile } of Deno.readDirSync(folder)) {
        if (isFile && matches(name)) return `${folder}/${name}`;
      }
    } catch {
      // Not every folder of PATH exists.
    }
  }
  return undefined;
}
