import { V8_FLAGS } from "../../dev/v8_flags.ts";
import { docker } from "./testbed.ts";
import { type Answer, askEdge } from "./ask.ts";
import { Part } from "./process.ts";
import { answersOk, eventually, freePort } from "./wait.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

/** `unkey up` in a data folder and with a login of its own, the way one person uses the platform. */
export class LocalPlatform implements AsyncDisposable {
  readonly directory: string;
  readonly apiPort = freePort();
  readonly edgePort = freePort();
  /** Further settings of the platform, from its next start on. */
  readonly settings: Record<string, string> = {};
  readonly #program: readonly string[];
  readonly #part: Part;

  private constructor(directory: string, program: readonly string[]) {
    this.directory = directory;
    this.#program = program;
    const [command = "", ...first] = program;
    this.#part = new Part({
      name: "unkey up",
      command,
      args: [...first, "up", "--data-dir", `${directory}/data`, ...this.#portFlags()],
      env: () => ({ ...this.env(), ...this.settings }),
      logFile: this.logFile,
      ready: async () => (await this.#part.logTail(1_000)).includes("ready: ") && await this.#apiReady(),
    });
  }

  /** Prepares a folder; nothing runs yet. `program` is how to run `unkey`. */
  static async create(
    program: readonly string[] = [Deno.execPath(), "run", "-A", "--quiet", `--v8-flags=${V8_FLAGS}`, MAIN],
  ): Promise<LocalPlatform> {
    return new LocalPlatform(await Deno.makeTempDir({ prefix: "unkey-local-" }), program);
  }

  get pid(): number {
    return this.#part.pid;
  }

  get running(): boolean {
    return this.#part.running;
  }

  get logFile(): string {
    return `${this.directory}/up.log`;
  }

  async start(): Promise<void> {
    await Deno.writeTextFile(this.logFile, "");
    await this.#part.start();
  }

  /** Ctrl-C by default. */
  async stop(signal: "SIGINT" | "SIGKILL" = "SIGINT"): Promise<void> {
    await this.#part.kill(signal);
  }

  logTail(): Promise<string> {
    return this.#part.logTail();
  }

  /** Starts the command line, logged in by `up` itself; messages are dropped. */
  spawn(args: readonly string[], env: Readonly<Record<string, string>> = {}): Deno.ChildProcess {
    const [command = "", ...first] = this.#program;
    return new Deno.Command(command, {
      args: [...first, ...args],
      env: { ...this.env(), ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  }

  /** Runs the command line, logged in by `up` itself. */
  async unkey(
    args: readonly string[],
    { stdin = "" }: { readonly stdin?: string } = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const [command = "", ...first] = this.#program;
    const process = new Deno.Command(command, {
      args: [...first, ...args],
      env: this.env(),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = process.stdin.getWriter();
    // A command that reads nothing may have ended before.
    await writer.write(new TextEncoder().encode(stdin)).then(() => writer.close()).catch(() => undefined);
    const { code, stdout, stderr } = await process.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  }

  /** Deploys to production and answers with what `--json` printed; throws unless it became ready. */
  async deploy(args: readonly string[]): Promise<{ id: string; urls: string[]; image?: string }> {
    const result = await this.unkey(["deploy", ...args, "--env", "production", "--json"]);
    if (result.code !== 0) throw new Error(`The deploy failed: ${result.stdout}\n${result.stderr}`);
    return JSON.parse(result.stdout);
  }

  /** A copy of a folder that a test may change. */
  async copy(folder: string): Promise<string> {
    const copy = `${this.directory}/app-${crypto.randomUUID().slice(0, 8)}`;
    const { success } = await new Deno.Command("cp", { args: ["-r", folder, copy] }).output();
    if (!success) throw new Error(`Cannot copy ${folder}`);
    return copy;
  }

  /** The image of the newest deployment, under a name of its own. */
  async prebuilt(): Promise<string> {
    const { stdout } = await docker([
      "images",
      "--format",
      "{{.Repository}}:{{.Tag}}",
      "--filter",
      "reference=unkey.local/*/*",
    ]);
    const newest = stdout.split("\n")[0] ?? "";
    const image = `unkey-test/prebuilt:${crypto.randomUUID().slice(0, 8)}`;
    await docker(["tag", newest, image]);
    return image;
  }

  get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return askEdge(this.edgePort, url, headers);
  }

  async answers(url: string, text: string): Promise<void> {
    await eventually(`${url} to answer "${text}"`, async () => {
      const { status, body } = await this.get(url).catch(() => ({ status: 0, body: "" }));
      return status === 200 && body.includes(text);
    });
  }

  /** All containers of this platform, running or not. */
  async containers(filter: readonly string[] = []): Promise<string[]> {
    const id = await this.#controlPlaneId();
    if (id === undefined) return [];
    const label = `label=unkey.control-plane=${id}`;
    const { stdout } = await docker(["ps", "--all", "--quiet", "--filter", label, ...filter]);
    return stdout.split("\n").filter((id) => id !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const id of await this.containers()) await docker(["rm", "--force", "--volumes", id]);
    await Deno.remove(this.directory, { recursive: true });
  }

  env(): Record<string, string> {
    const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
    return { XDG_CONFIG_HOME: `${this.directory}/config`, XDG_CACHE_HOME: cache, NO_COLOR: "1" };
  }

  #portFlags(): string[] {
    return ["--api-port", String(this.apiPort), "--edge-port", String(this.edgePort)];
  }

  #apiReady(): Promise<boolean> {
    return answersOk(`http://127.0.0.1:${this.apiPort}/health/ready`);
  }

  /** The id on this platform's containers; `undefined` before the first start. */
  async #controlPlaneId(): Promise<string | undefined> {
    const text = await Deno.readTextFile(`${this.directory}/data/state.json`).catch(() => undefined);
    return text === undefined ? undefined : JSON.parse(text).id;
  }
}
