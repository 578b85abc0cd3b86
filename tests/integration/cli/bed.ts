/** The real program against a real api on SQLite, whose deployments have the life that a test gives them. */
import type { ApiConfig } from "../../../svc/ctrl/api/config.ts";
import { startApi, type Tenant, type TestApi } from "../../../svc/ctrl/services/testing.ts";
import { type Life, setUpLife } from "../../../svc/ctrl/services/testing_lifecycle.ts";
import { type Ending, live } from "./lives.ts";
import { MAIN } from "../../../pkg/testkit/program.ts";

/** The output and the exit code of a shell script. */
export interface ScriptResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One api with one workspace, some deployments, and `unkey` as a function of shell scripts. */
export class CliBed implements AsyncDisposable {
  readonly api: TestApi;
  readonly life: Life;
  readonly folder: string;
  /** The end of each deployment that is created from now on. */
  ending: Ending = { status: "ready" };
  /** Lines that each build prints. */
  lines: readonly string[] = ["compiling", "linking"];
  /** A deployment ends when this resolves. */
  mayEnd: Promise<void> = Promise.resolve();
  readonly #lives: Promise<void>[] = [];

  private constructor(api: TestApi, life: Life, folder: string) {
    this.api = api;
    this.life = life;
    this.folder = folder;
    api.workflows.submitDeploy = (id) => {
      this.#lives.push(this.#live(id));
      return Promise.resolve();
    };
  }

  static async start(config: Partial<ApiConfig> = {}): Promise<CliBed> {
    const api = await startApi(config);
    return new CliBed(api, await setUpLife(api), await Deno.makeTempDir({ prefix: "unkey-cli-" }));
  }

  get tenant(): Tenant {
    return this.life.tenant;
  }

  /** Variables with which the program reaches the api. */
  get env(): Readonly<Record<string, string>> {
    return {
      UNKEY_API_BASE_URL: this.api.url,
      UNKEY_ROOT_KEY: this.tenant.rootKey,
      XDG_CONFIG_HOME: this.folder,
      CI: "",
    };
  }

  /** The program in words of a shell. */
  get program(): string {
    return `"${Deno.execPath()}" run -A --no-check --quiet "${MAIN}" `;
  }

  /** The same program as a release has it, in words of a shell. */
  async released(buildInfo: string): Promise<string> {
    const folder = `${this.folder}/released`;
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/build_info.json`, buildInfo);
    await Deno.writeTextFile(`${folder}/main.ts`, `import "file://${MAIN}";\n`);
    const config = new URL("../../../deno.json", import.meta.url).pathname;
    return `"${Deno.execPath()}" run -A --no-check --quiet --config "${config}" "${folder}/main.ts" `;
  }

  /** The text of a file that a script has written; empty without one. */
  async read(name: string): Promise<string> {
    return await Deno.readTextFile(`${this.folder}/${name}`).catch(() => "");
  }

  /** Runs a script of bash in an empty folder. `unkey` is the program. */
  async script(text: string, env: Readonly<Record<string, string>> = {}): Promise<ScriptResult> {
    const { code, stdout, stderr } = await this.command(text, { env }).output();
    const [out = "", err = ""] = [stdout, stderr].map((each) => new TextDecoder().decode(each));
    return { code, stdout: out, stderr: err };
  }

  /** The same with arguments for the script. */
  command(
    text: string,
    { env = {}, args = [], stdin = "null" }: {
      readonly env?: Readonly<Record<string, string>>;
      readonly args?: readonly string[];
      readonly stdin?: "null" | "piped";
    } = {},
  ): Deno.Command {
    return new Deno.Command("bash", {
      args: ["-c", `unkey() { (exec ${this.program} "$@"); }\n${text}`, "bash", ...args],
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdin,
      stdout: "piped",
      stderr: "piped",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lives);
    await this.api[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }

  #live(id: string): Promise<void> {
    const { ending, lines, mayEnd } = this;
    let writes = 0;
    // The first two begin the build and print its output.
    const beforeEach = (): Promise<void> => ++writes > 2 ? mayEnd : Promise.resolve();
    return live(this.api.db, id, { ending, output: [lines], beforeEach });
  }
}
