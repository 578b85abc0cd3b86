import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { basename } from "node:path";
import { pushBaseImage } from "./base_registry.ts";
import { cgroupProcesses, cgroupsOf } from "./cgroup.ts";
import { canStartBuildkit, TestBuildkit } from "./buildkit.ts";
import { mountsOf, processesOf } from "./daemon.ts";
import { HubRegistry } from "./hub_registry.ts";
import { hasRegistry } from "./registry.ts";

const REAL = hasRegistry() && existsSync("/bin/busybox");

/** A registry with a base image, and a folder for contexts. */
class Bed implements AsyncDisposable {
  private constructor(readonly hub: HubRegistry, readonly folder: string) {}

  static async start(): Promise<Bed> {
    const hub = await HubRegistry.start();
    await pushBaseImage(hub.upstream, "library/busybox:stable");
    return new Bed(hub, await Deno.makeTempDir({ prefix: "unkey-buildkit-test-" }));
  }

  /** Builds a Dockerfile; throws with the output when it fails. */
  async build(daemon: TestBuildkit, dockerfile: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/Dockerfile`, dockerfile);
    const folders = [`--local=context=${this.folder}`, `--local=dockerfile=${this.folder}`];
    await daemon.client("build", "--progress=plain", "--frontend=dockerfile.v0", ...folders);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
    await this.hub[Symbol.asyncDispose]();
  }
}

/** An address of this machine's oldest link: bridges of other tests come and go. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

async function stepRuns({ directory }: TestBuildkit): Promise<void> {
  const deadline = performance.now() + 180_000;
  while ((await cgroupProcesses(basename(directory))).length === 0) {
    if (performance.now() > deadline) throw new Error("no step runs");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function assertNothingLeft({ directory, network }: TestBuildkit): Promise<void> {
  assert.deepEqual(await processesOf(directory), []);
  assert.deepEqual(await mountsOf(directory), []);
  assert.deepEqual(await cgroupsOf(basename(directory)), []);
  assert.ok(!existsSync(directory));
  if (network === undefined) return;
  assert.ok(!existsSync(`/run/netns/${network.name}`));
  assert.ok(!existsSync(`/sys/class/net/${network.name}`));
}

for (const listen of ["tcp", "unix", "tls"] as const) {
  Deno.test({
    name: `a BuildKit daemon that listens on ${listen} builds, and leaves nothing`,
    ignore: !REAL || !await canStartBuildkit(),
    fn: async () => {
      await using bed = await Bed.start();
      let ended;
      {
        await using daemon = await TestBuildkit.start({ plainHttp: [], listen, mirror: bed.hub.name });
        ended = daemon;
        await bed.build(daemon, "FROM busybox:stable\nCOPY Dockerfile /\nRUN cat /Dockerfile\n");
        await daemon.kill();
        await daemon.resume();
        await bed.build(daemon, "FROM busybox:stable\nRUN echo again\n");
        const cut = bed.build(daemon, "FROM busybox:stable\nRUN sleep 1000\n").catch(() => "cut");
        await stepRuns(daemon);
        // The step is left alone: there is the most to clean up.
        await daemon.kill();
        assert.equal(await cut, "cut");
      }
      await assertNothingLeft(ended);
    },
  });
}

Deno.test({
  name: "a BuildKit daemon with TLS refuses a client without a certificate",
  ignore: !REAL || !await canStartBuildkit(),
  fn: async () => {
    await using daemon = await TestBuildkit.start({ plainHttp: [], listen: "tls" });
    const { port } = new URL(daemon.url);
    const authority = await Deno.readTextFile(daemon.certificates?.authority ?? "");
    using stranger = await Deno.connectTls({
      hostname: "localhost",
      port: Number(port),
      caCerts: [authority],
    });
    // With TLS 1.3 a client learns of it when it reads.
    await assert.rejects(stranger.read(new Uint8Array(1)), /CertificateRequired/);
    assert.match(await daemon.client("debug", "workers"), /linux/);
  },
});

Deno.test({
  name: "an isolated BuildKit daemon",
  ignore: !REAL || !await canStartBuildkit({ isolated: true }),
  fn: async (t) => {
    await using bed = await Bed.start();
    const { hub } = bed;
    const server = Deno.serve({ hostname: "0.0.0.0", port: 0, onListen() {} }, () => new Response("secret"));
    const { port } = server.addr;
    // Debian's busybox-static crashes with "wget -T".
    const ways = (host: string): readonly (readonly [string, string])[] => [
      ["ADD", `FROM busybox:stable\nADD http://${host}:${port}/ /stolen\nRUN grep secret /stolen\n`],
      ["RUN", `FROM busybox:stable\nRUN wget -q -O - http://${host}:${port}/ | grep secret\n`],
      ["FROM", `FROM ${host}:${port}/library/busybox:stable\n`],
    ];
    let ended;
    {
      await using daemon = await TestBuildkit.start({
        plainHttp: [],
        mirror: hub.name,
        isolated: true,
        allow: [hub.name],
      });
      ended = daemon;

      await t.step(
        "builds with what it may reach",
        () => bed.build(daemon, "FROM busybox:stable\nRUN echo built\n"),
      );

      for (const host of ["127.0.0.1", "localhost", ownAddress(), daemon.network?.gateway ?? ""]) {
        await t.step(`reaches nothing of this machine at ${host}`, async () => {
          for (const [way, dockerfile] of ways(host)) {
            const refused = way === "RUN"
              ? /can't connect to remote host/
              : /connection refused|no route to host/;
            await assert.rejects(bed.build(daemon, dockerfile), refused, way);
          }
        });
      }
    }
    await t.step("leaves nothing", () => assertNothingLeft(ended));

    await t.step("differs in that from one that is not isolated", async () => {
      await using daemon = await TestBuildkit.start({ plainHttp: [], mirror: hub.name });
      for (const host of ["127.0.0.1", "localhost", ownAddress()]) {
        for (const [way, dockerfile] of ways(host)) if (way !== "FROM") await bed.build(daemon, dockerfile);
      }
    });
    await server.shutdown();
  },
});
