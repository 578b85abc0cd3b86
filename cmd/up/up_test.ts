import assert from "node:assert/strict";
import { join } from "node:path";
import { processIdentity } from "../../pkg/restate_server/mod.ts";
import { freePort } from "../../pkg/testkit/ports.ts";
import { askAt, socketUrl } from "../../pkg/unix_http/mod.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const WAIT_MS_MAX = 180_000;

const DOCKER = await new Deno.Command("docker", { args: ["version"], stdout: "null", stderr: "null" })
  .output()
  .then(({ success }) => success, () => false);

/** One run of `unkey up`. */
interface Run {
  readonly pid: number;
  /** Resolves, once `ready:` is printed, to all that was printed before. */
  readonly ready: Promise<string>;
  /** Resolves to the exit code and all that was printed. */
  readonly ended: Promise<{ readonly code: number; readonly text: string }>;
  kill(signal: Deno.Signal): void;
}

class Bed implements AsyncDisposable {
  readonly directory: string;
  readonly api = freePort();
  readonly edge = freePort();
  readonly #runs: Run[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Bed> {
    return new Bed(await Deno.makeTempDir({ prefix: "unkey-up-" }));
  }

  get data(): string {
    return join(this.directory, "data");
  }

  up(options: { readonly flags?: readonly string[]; readonly env?: Record<string, string> } = {}): Run {
    const { flags = [], env = {} } = options;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", MAIN, "up", "--data-dir", this.data],
        ...["--api-port", String(this.api), "--edge-port", String(this.edge), ...flags],
      ],
      env: {
        XDG_CONFIG_HOME: join(this.directory, "config"),
        XDG_CACHE_HOME: cache(),
        NO_COLOR: "1",
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let text = "";
    const ready = Promise.withResolvers<string>();
    ready.promise.catch(() => undefined); // not every test waits for it
    const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
      for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (text.includes("ready: ")) ready.resolve(text);
      }
    };
    const ended = Promise.all([child.status, read(child.stdout), read(child.stderr)]).then(([{ code }]) => {
      ready.reject(new Error(`unkey up ended with ${code}:\n${text}`));
      return { code, text };
    });
    const run: Run = { pid: child.pid, ready: ready.promise, ended, kill: (signal) => child.kill(signal) };
    this.#runs.push(run);
    return run;
  }

  async state(): Promise<Record<string, unknown>> {
    return JSON.parse(await Deno.readTextFile(join(this.data, "state.json")));
  }

  async restatePid(): Promise<number> {
    const { pid } = JSON.parse(await Deno.readTextFile(join(this.data, "restate", "server.pid")));
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#runs) {
      try {
        run.kill("SIGINT");
      } catch {
        // it has ended
      }
      await run.ended;
    }
    await Deno.remove(this.directory, { recursive: true });
  }
}

function cache(): string {
  return Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
}

async function status(url: string): Promise<number> {
  const response = await fetch(url, { signal: AbortSignal.timeout(WAIT_MS_MAX) });
  await response.body?.cancel();
  return response.status;
}

/** No port may be open to the network of a cafe. On Linux the kernel's tables list every listener. */
async function assertLoopbackOnly(ports: readonly number[]): Promise<void> {
  if (Deno.build.os !== "linux") return;
  const tables = await Deno.readTextFile("/proc/net/tcp") + await Deno.readTextFile("/proc/net/tcp6");
  const listening = tables.split("\n").map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A").map((fields) => fields[1] ?? "");
  for (const port of ports) {
    const hex = port.toString(16).toUpperCase().padStart(4, "0");
    assert.deepEqual(
      listening.filter((each) => each.endsWith(`:${hex}`)),
      [`0100007F:${hex}`],
      `port ${port}`,
    );
  }
}

function withDocker(name: string, fn: (bed: Bed) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !DOCKER,
    fn: async () => {
      await using bed = await Bed.create();
      await fn(bed);
    },
  });
}

withDocker("up starts every part, logs the command line in, and Ctrl-C stops all of it", async (bed) => {
  const run = bed.up();
  const text = await run.ready;
  for (const part of ["docker", "restate", "api", "project", "worker", "agent", "edge", "login"]) {
    assert.match(text, new RegExp(`^ok ${part} .*\\d s$`, "m"));
  }
  assert.equal(await status(`http://127.0.0.1:${bed.api}/health/ready`), 200);
  assert.equal(await status(`http://127.0.0.1:${bed.edge}/`), 200, "the edge is healthy");
  assert.equal(await status(`http://127.0.0.1:${bed.edge}/app`), 404, "the edge knows no such host");
  const restate = await bed.restatePid();
  const { ports } = await bed.state() as { ports: Record<string, number> };
  await assertLoopbackOnly([bed.api, bed.edge, ...Object.values(ports)]);

  const credentials = join(bed.directory, "config", "unkey", "credentials.json");
  const { profiles: { default: login } } = JSON.parse(await Deno.readTextFile(credentials));
  assert.equal(login.apiBaseUrl, `http://127.0.0.1:${bed.api}`);
  assert.equal(login.workspaceSlug, "local");
  const log = await Deno.readTextFile(join(bed.data, "logs", "unkey.log"));
  for (const secret of [login.rootKey, (await bed.state())["serviceToken"]]) {
    assert.ok(!`${text}${log}`.includes(String(secret)), "no secret is printed or logged");
  }

  run.kill("SIGINT");
  const { code } = await run.ended;
  assert.equal(code, 0);
  assert.equal(await processIdentity(restate), undefined, "Restate's server is gone");
  await assert.rejects(status(`http://127.0.0.1:${bed.api}/health/ready`));
});

withDocker("a second start keeps secrets, ports and data, also after the first was killed", async (bed) => {
  const first = bed.up();
  await first.ready;
  const state = await bed.state();
  const restate = await bed.restatePid();
  first.kill("SIGKILL");
  await first.ended;
  assert.notEqual(await processIdentity(restate), undefined, "a killed process can end nothing");

  const second = bed.up();
  await second.ready;
  assert.deepEqual(await bed.state(), { ...state, ports: (await bed.state())["ports"] });
  assert.equal(await processIdentity(restate), undefined, "what the first left behind is gone");
  second.kill("SIGINT");
  assert.equal((await second.ended).code, 0);
});

withDocker("a second up on the same folder is refused and harms nothing", async (bed) => {
  const first = bed.up();
  await first.ready;
  const second = await bed.up({ flags: ["--api-port", "0", "--edge-port", "0"] }).ended;
  assert.equal(second.code, 1);
  assert.match(second.text, new RegExp(`already runs on ${bed.data} \\(process ${first.pid}\\)`));
  assert.equal(await status(`http://127.0.0.1:${bed.api}/health/ready`), 200);
});

withDocker("up --https makes an authority of this machine, and says how to trust it", async (bed) => {
  const run = bed.up({ flags: ["--https", "--edge-https-port", "0"] });
  const text = await run.ready;
  assert.match(text, /^ready: https:\/\/localhost:\d+$/m);
  assert.match(text, new RegExp(`^! +https +browsers trust it after: .*${bed.data}/authority\\.pem`, "m"));
  assert.equal(((await Deno.stat(join(bed.data, "authority.key"))).mode ?? 0) & 0o777, 0o600);
});

/** Clients refuse to call port 0, so that the first call of the start failed. */
withDocker("up takes free ports where 0 is asked for", async (bed) => {
  const run = bed.up({ flags: ["--api-port", "0", "--edge-port", "0"] });
  const text = await run.ready;
  const [, edge] = /^ready: http:\/\/localhost:(\d+)$/m.exec(text) ?? [];
  const [, api] = /^ok api +http:\/\/127\.0\.0\.1:(\d+) /m.exec(text) ?? [];
  assert.equal(await status(`http://127.0.0.1:${api}/health/ready`), 200);
  assert.equal(await status(`http://127.0.0.1:${edge}/`), 200);
});

withDocker("Restate's server is started again when it dies", async (bed) => {
  const run = bed.up();
  await run.ready;
  const pid = await bed.restatePid();
  Deno.kill(pid, "SIGKILL");
  const deadline = performance.now() + WAIT_MS_MAX;
  const ingress = socketUrl(join(bed.data, "restate", "unkey", "ingress.sock"));
  for (;;) {
    assert.ok(performance.now() < deadline, "Restate's server stays dead");
    const isBack = await bed.restatePid().catch(() => pid) !== pid &&
      await askAt(ingress, "/restate/health", {}).then(({ ok }) => ok, () => false);
    if (isBack) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

withDocker("Ctrl-C during the start ends it, and leaves nothing behind", async (bed) => {
  const run = bed.up();
  const deadline = performance.now() + WAIT_MS_MAX;
  let restate: number | undefined;
  while (restate === undefined) {
    assert.ok(performance.now() < deadline, "Restate's server was never started");
    restate = await bed.restatePid().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  run.kill("SIGINT");
  const { code } = await run.ended;
  assert.ok(code === 130 || code === 0, `exit code ${code}`);
  assert.equal(await processIdentity(restate), undefined);
});

Deno.test("a taken port is named with its flag before anything starts", async () => {
  await using bed = await Bed.create();
  using _other = Deno.listen({ hostname: "127.0.0.1", port: bed.edge });
  const { code, text } = await bed.up().ended;
  assert.equal(code, 1);
  assert.match(text, new RegExp(`Port ${bed.edge}, which the edge needs, is taken.* --edge-port <port>`));
  assert.doesNotMatch(text, /^ok /m);
});

Deno.test("without Docker the message says how to get it before anything starts", async () => {
  await using bed = await Bed.create();
  const { code, text } = await bed.up({ env: { DOCKER_HOST: `unix://${bed.directory}/none.sock` } }).ended;
  assert.equal(code, 1);
  assert.match(text, /^error: Docker is (not installed|installed but does not run)/m);
  assert.match(text, /apt-get install docker\.io|systemctl start docker|Docker Desktop/);
  assert.doesNotMatch(text, /^ok /m);
});
