/** Everything around a rented server: its address, the DNS, a certificate authority, a Docker Engine, and visitors. */
import { request } from "node:https";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { openEngine } from "../../../pkg/docker/mod.ts";
import { ensureBaseImage } from "../../../pkg/testkit/base_image.ts";
import { runCommand } from "../../../pkg/testkit/commands.ts";
import { TestKnot } from "../../../pkg/testkit/knot.ts";
import { TestPebble } from "../../../pkg/testkit/pebble.ts";
import { PrivateEngine } from "../../../pkg/testkit/private_engine.ts";
import { findRestateServer } from "../../../pkg/restate_server/mod.ts";
import { Machine } from "./machine.ts";

/** For documentation (RFC 5737): nothing outside has it. */
export const ADDRESS = "203.0.113.10";
export const DOMAIN = "apps.example.com";
const ANSWER_MS = 30_000;
const ROOT = new URL("../../../", import.meta.url).pathname;

/** Must be used in a network namespace of its own. Dispose of it, or its processes stay. */
export class World implements AsyncDisposable {
  readonly machine: Machine;
  readonly pebble: TestPebble;
  readonly knot: TestKnot;
  readonly engine: PrivateEngine;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    readonly machine: Machine;
    readonly pebble: TestPebble;
    readonly knot: TestKnot;
    readonly engine: PrivateEngine;
    readonly stack: AsyncDisposableStack;
  }) {
    this.machine = parts.machine;
    this.pebble = parts.pebble;
    this.knot = parts.knot;
    this.engine = parts.engine;
    this.#stack = parts.stack;
  }

  static async create(): Promise<World> {
    await using stack = new AsyncDisposableStack();
    await runCommand("ip", "link", "set", "lo", "up");
    await runCommand("ip", "link", "add", "eth0", "type", "bridge");
    await runCommand("ip", "addr", "add", `${ADDRESS}/24`, "dev", "eth0");
    await runCommand("ip", "link", "set", "eth0", "up");
    const knot = stack.use(
      await TestKnot.start({ "example.com": [`apps A ${ADDRESS}`, `*.apps A ${ADDRESS}`] }),
    );
    const pebble = stack.use(await TestPebble.start({ httpPort: 80, dnsServer: `127.0.0.1:${knot.port}` }));
    const engine = stack.use(await PrivateEngine.open());
    const docker = openEngine(engine.host);
    await ensureBaseImage(docker, AbortSignal.timeout(ANSWER_MS));
    docker.close();
    const socket = engine.host.replace("unix://", "");
    const machine = stack.use(await Machine.create({ shown: { [socket]: "/run/docker.sock" } }));
    return new World({ machine, pebble, knot, engine, stack: stack.move() });
  }

  /** The flags of a visitor to this authority and this DNS, which a real server needs none of. */
  get flags(): readonly string[] {
    return [
      ...[
        "--acme-directory-url",
        this.pebble.directoryUrl,
        "--acme-ca-file",
        "/etc/unkey-test-authority.pem",
      ],
      ...["--acme-profile", "default", "--acme-dns-resolver", `127.0.0.1:${this.knot.port}`],
    ];
  }

  /** Puts a version of the program on the machine; each has other bytes, as a newer one has. */
  async bring(path: string, version: number): Promise<void> {
    const { machine } = this;
    const folder = "/opt/unkey-test";
    await Deno.mkdir(machine.path(folder), { recursive: true });
    if (version === 1) {
      await Deno.copyFile(Deno.execPath(), machine.path(`${folder}/deno`));
      const flags = ["--platform", "deno", "--code-splitting", "--minify"];
      const out = machine.path(`${folder}/bundle`);
      await runCommand(Deno.execPath(), "bundle", "--quiet", ...flags, "--outdir", out, `${ROOT}main.ts`);
      await Deno.copyFile(await restateServer(), machine.path("/usr/local/bin/restate-server"));
      await Deno.writeTextFile(machine.path("/etc/unkey-test-authority.pem"), this.pebble.trusted);
    }
    if (version === 1) {
      // As Docker's package does it.
      const { gid } = await Deno.stat(this.engine.host.replace("unix://", ""));
      await Deno.writeTextFile(machine.path("/etc/group"), `docker:x:${gid}:\n`, { append: true });
    }
    const script =
      `#!/bin/sh\n# version ${version}\nexec ${folder}/deno run -A --quiet ${folder}/bundle/main.js "$@"\n`;
    await Deno.writeTextFile(machine.path(path), script, { mode: 0o755 });
  }

  /** Asks as a visitor on another machine, who trusts nothing but the authority. */
  async get(host: string, path = "/"): Promise<{ readonly status: number; readonly body: string }> {
    const asked = request({
      host: ADDRESS,
      port: 443,
      servername: host,
      headers: { host },
      path,
      ca: await this.pebble.root(),
      agent: false,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    asked.end();
    const [answer]: IncomingMessage[] = await once(asked, "response");
    let body = "";
    for await (const chunk of answer ?? []) body += chunk;
    return { status: answer?.statusCode ?? 0, body };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** The binary of which the test has made sure: there is no network here. */
async function restateServer(): Promise<string> {
  const env = (name: string): string | undefined => Deno.env.get(name);
  const signal = AbortSignal.timeout(ANSWER_MS);
  return (await findRestateServer({ env, clock: systemClock(), signal })).path;
}
