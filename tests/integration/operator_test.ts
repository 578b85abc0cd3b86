import assert from "node:assert/strict";
import { Part } from "../testbed/process.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const SERVICE_TOKEN = "operator-test-token-0123456789abcdef";

/** An api process on a database of its own, and commands that call it. */
class ControlPlane implements AsyncDisposable {
  readonly #directory: string;
  readonly #api: Part;
  readonly #url: string;

  private constructor(directory: string) {
    const port = freePort();
    this.#directory = directory;
    this.#url = `http://127.0.0.1:${port}`;
    this.#api = new Part({
      name: "api",
      command: Deno.execPath(),
      args: ["run", "-A", "--quiet", MAIN, "ctrl", "api"],
      env: () => ({
        UNKEY_HTTP_HOST: "127.0.0.1",
        UNKEY_HTTP_PORT: String(port),
        UNKEY_ADVERTISE_URL: this.#url,
        UNKEY_DATABASE_PRIMARY: `sqlite:${directory}/ctrl.db`,
        UNKEY_AUTH_TOKEN: SERVICE_TOKEN,
        UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
        UNKEY_RESTATE_INGRESS_URL: "http://127.0.0.1:1",
        UNKEY_BUILD_FILES_DIR: `${directory}/objects`,
      }),
      logFile: `${directory}/api.log`,
      ready: () => answersOk(`${this.#url}/health/ready`),
    });
  }

  static async start(): Promise<ControlPlane> {
    const own = new ControlPlane(await Deno.makeTempDir({ prefix: "unkey-operator-" }));
    try {
      await own.#api.start();
      return own;
    } catch (error) {
      await own[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The output of a command, with nothing but these variables set beside the URL. */
  async unkey(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", MAIN, ...args],
      // A company's proxy, which does not know this machine's addresses.
      env: {
        HTTP_PROXY: "http://127.0.0.1:1",
        HOME: this.#directory,
        XDG_CONFIG_HOME: this.#directory,
        UNKEY_API_BASE_URL: this.#url,
        ...env,
      },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api.kill("SIGTERM");
    await Deno.remove(this.#directory, { recursive: true });
  }
}

Deno.test("an operator makes a workspace, whose key makes a narrower one that can be taken back", async () => {
  await using platform = await ControlPlane.start();
  const operator = { UNKEY_AUTH_TOKEN: SERVICE_TOKEN };
  const done = async (env: Readonly<Record<string, string>>, ...args: readonly string[]) => {
    const { code, stdout, stderr } = await platform.unkey(env, ...args);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const owner = { UNKEY_ROOT_KEY: await done(operator, "admin", "workspaces", "create", "acme") };
  assert.match(await done(operator, "admin", "workspaces", "list"), /^acme/m);
  const created = JSON.parse(await done(owner, "keys", "create", "ci", "--permissions", "read", "--json"));
  const ci = { UNKEY_ROOT_KEY: String(created.key) };
  await done(ci, "list");
  const more = await platform.unkey(ci, "keys", "create", "other");
  assert.match(more.stderr, /lacks the permission "workspace.manage_keys"/);
  await done(owner, "keys", "create", "deployer", "--permissions", "deploy");
  await done(owner, "keys", "revoke", String(created.id));
  await eventually("the key to be refused", async () => (await platform.unkey(ci, "list")).code !== 0);
  assert.doesNotMatch(await done(operator, "keys", "list", "--workspace", "acme"), /^key_.*\bci\b/m);

  const token = JSON.parse(await done(operator, "admin", "region-tokens", "create", "eu-1", "--json"));
  assert.match(await done(operator, "admin", "region-tokens", "list"), /eu-1/);
  await done(operator, "admin", "region-tokens", "revoke", String(token.id));
  assert.equal(await done(operator, "admin", "region-tokens", "list"), "");
});
