/**
 * Tenants and strangers that do harm with nothing but their own deploys and connections, beside an app that behaves well. All of
 * it stays on loopback and in containers of the test bed, and is bounded in number and time.
 */
import { connect, type Socket } from "node:net";
import { request } from "node:http";
import { type App, serves } from "./apps.ts";
import { type Testbed, writeApp } from "./testbed.ts";

/** Strangers have addresses of their own, as in the world: shares are counted by address. */
const STRANGER = "127.0.0.2";
const IDLE_CONNECTIONS = 150;
const SLOW_BODIES = 20;
const PAUSE_MS = 50;
const ATTACK_MS_MAX = 30_000;

/** Deploys of hostile tenants; each gets a workspace of its own. */
const APPS: Readonly<Record<string, App>> = {
  "answers with a head that takes quadratic time to unfold": {
    ...serves("evil"),
    "www/cgi-bin/head":
      `#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\nX-A: a'\nhead -c 40000 /dev/zero | tr '\\0' ' '\nprintf 'b\\r\\n c\\r\\n\\r\\nevil'\n`,
    Dockerfile:
      `FROM busybox:stable\nCOPY www /www\nRUN chmod 755 /www/cgi-bin/head\nCMD ["sh", "-c", "trap 'exit 0' TERM; httpd -f -p \\"$PORT\\" -h /www & wait"]`,
  },
  "prints without an end": {
    ...serves("noisy"),
    Dockerfile:
      `FROM busybox:stable\nCOPY www /www\nCMD ["sh", "-c", "trap 'exit 0' TERM; yes 'a line of a noisy app that nobody will ever read' & httpd -f -p \\"$PORT\\" -h /www & wait"]`,
  },
  "fills its disk": {
    ...serves("full"),
    Dockerfile:
      `FROM busybox:stable\nCOPY www /www\nCMD ["sh", "-c", "trap 'exit 0' TERM; (while :; do dd if=/dev/zero of=/tmp/fill bs=1M count=200 2>/dev/null; rm -f /tmp/fill; done) & httpd -f -p \\"$PORT\\" -h /www & wait"]`,
  },
};

/** A build whose output once froze the worker. */
function printingBuild(): App {
  const loop = "for i in 1 2 3 4 5 6 7 8 9 10; do printf '%sx' \"$A\"; done";
  return serves("printed", [
    `RUN echo ${crypto.randomUUID()} && A=$(head -c 30000 /dev/zero | tr '\\0' '\\r'); ${loop}`,
  ]);
}

interface Tenant {
  readonly slug: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The attacks under way. Dispose of them to end them. */
export class Hostility implements AsyncDisposable {
  readonly #bed: Testbed;
  readonly #stop = new AbortController();
  readonly #runs: Promise<void>[] = [];
  readonly #sockets = new Set<Socket>();
  /** The number of times that each attack was made. */
  readonly made = new Map<string, number>();

  private constructor(bed: Testbed) {
    this.#bed = bed;
  }

  static async begin(bed: Testbed): Promise<Hostility> {
    const hostility = new Hostility(bed);
    const urls: string[] = [];
    for (const [name, app] of Object.entries(APPS)) {
      const tenant = await hostility.#tenant();
      const [url] = await hostility.#deploy(tenant, app);
      if (url === undefined) throw new Error(`the tenant whose app ${name} could not deploy`);
      urls.push(url);
    }
    const builder = await hostility.#tenant();
    hostility.#repeat("builds that print", () => hostility.#deploy(builder, printingBuild()));
    hostility.#repeat("heads of the evil app", () => hostility.#ask(`${urls[0]}/cgi-bin/head`));
    for (const port of [bed.ports.edge, bed.ports.api]) {
      hostility.#repeat(`idle connections to port ${port}`, () => hostility.#idle(port));
      hostility.#repeat(`bodies that trickle to port ${port}`, () => hostility.#trickle(port));
    }
    hostility.#repeat("wide JSON without credentials", () => hostility.#wideJson());
    return hostility;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#runs);
  }

  #repeat(name: string, attack: () => Promise<unknown>): void {
    const run = async (): Promise<void> => {
      while (!this.#stop.signal.aborted) {
        // A refusal is what the platform should give; the attack goes on.
        await attack().catch(() => undefined);
        this.made.set(name, (this.made.get(name) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    };
    this.#runs.push(run());
  }

  async #tenant(): Promise<Tenant> {
    const slug = `evil-${crypto.randomUUID().slice(0, 8)}`;
    const operator = this.#bed.admin(this.#bed.serviceToken);
    const { workspaceId } = await operator.createWorkspace({ name: slug, slug });
    const { key } = await operator.createRootKey({ workspaceId, name: slug, permissions: ["*"] });
    await this.#bed.admin(key).createProject({ slug, name: slug });
    return { slug, env: { UNKEY_ROOT_KEY: key } };
  }

  async #deploy({ slug, env }: Tenant, app: App): Promise<readonly string[]> {
    const folder = await writeApp(this.#bed, app);
    const args = ["deploy", folder, "--project", slug, "--env", "production", "--json"];
    const { code, stdout } = await this.#bed.unkey(args, env);
    return code === 0 ? JSON.parse(stdout).urls : [];
  }

  #ask(url: string): Promise<void> {
    const { host, pathname } = new URL(url);
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ATTACK_MS_MAX)]);
    const [port, headers] = [this.#bed.ports.edge, { host }];
    return new Promise((resolve, reject) => {
      const req = request(
        { host: "127.0.0.1", port, path: pathname, headers, agent: false, localAddress: STRANGER, signal },
        (res) => {
          res.resume();
          res.on("close", resolve);
        },
      );
      req.on("error", reject);
      req.end();
    });
  }

  /** Connections with an empty line now and then, which once kept their places for ever. */
  async #idle(port: number): Promise<void> {
    const sockets = Array.from({ length: IDLE_CONNECTIONS }, () => this.#connect(port));
    for (let line = 0; line < 20 && !this.#stop.signal.aborted; line++) {
      for (const socket of sockets) socket.write("\r\n");
      await new Promise((resolve) => setTimeout(resolve, 10 * PAUSE_MS));
    }
    for (const socket of sockets) socket.destroy();
  }

  /** Bodies whose bytes come one by one, to a method that needs no credentials. */
  async #trickle(port: number): Promise<void> {
    const head = "POST /ctrl.v1.CtrlService/Liveness HTTP/1.1\r\nHost: x.localhost\r\n" +
      "Content-Type: application/json\r\nContent-Length: 4194304\r\n\r\n";
    const sockets = Array.from({ length: SLOW_BODIES }, () => this.#connect(port));
    for (const socket of sockets) socket.write(head + " ".repeat(60_000));
    for (let byte = 0; byte < 20 && !this.#stop.signal.aborted; byte++) {
      for (const socket of sockets) socket.write(" ");
      await new Promise((resolve) => setTimeout(resolve, 10 * PAUSE_MS));
    }
    for (const socket of sockets) socket.destroy();
  }

  #wideJson(): Promise<void> {
    const body = `{${Array.from({ length: 200_000 }, (_, at) => `"${at}":1`).join()}}`;
    const socket = this.#connect(this.#bed.ports.api);
    socket.write(
      `POST /ctrl.v1.CtrlService/Liveness HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
    return new Promise((resolve) => {
      socket.setTimeout(ATTACK_MS_MAX, () => socket.destroy());
      socket.on("data", () => socket.destroy());
      socket.on("close", () => resolve());
    });
  }

  #connect(port: number): Socket {
    const socket = connect({ host: "127.0.0.1", port, localAddress: STRANGER });
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.resume();
    return socket;
  }
}
