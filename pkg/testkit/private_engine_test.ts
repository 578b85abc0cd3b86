import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { pushBaseImage } from "./base_registry.ts";
import { mountsOf, processesOf } from "./daemon.ts";
import { cgroupsOf } from "./cgroup.ts";
import { DockerClient, findDockerClient } from "./docker_client.ts";
import { HUB_USER, HubRegistry } from "./hub_registry.ts";
import { shimSockets } from "./private_containerd.ts";
import { canStartEngine, PrivateEngine, type PrivateEngineOptions } from "./private_engine.ts";
import { hasRegistry } from "./registry.ts";

const REAL = hasRegistry() && existsSync("/bin/busybox") && await findDockerClient() !== undefined;
const KINDS = [
  // The engine on PATH may be newer than Debian's.
  { options: { engine: "20.10" }, version: /^\d+\./, driver: /^overlay/ },
  { options: { engine: "29", imageStore: "classic" }, version: /^29\./, driver: /^overlay2$/ },
  { options: { engine: "29", imageStore: "containerd" }, version: /^29\./, driver: /^overlayfs$/ },
] as const satisfies readonly {
  readonly options: PrivateEngineOptions & { readonly engine: string };
  readonly version: RegExp;
  readonly driver: RegExp;
}[];

for (const { options, version, driver } of KINDS) {
  Deno.test({
    name: `a private engine, ${JSON.stringify(options)}`,
    ignore: !REAL || !await canStartEngine(options.engine),
    fn: async (t) => {
      await using hub = await HubRegistry.start();
      await pushBaseImage(hub.upstream, "library/busybox:stable");
      await pushBaseImage(hub.upstream, "private/base:1");
      const folder = await Deno.makeTempDir({ prefix: "unkey-engine-test-" });
      let sockets: readonly string[];
      let engine;
      {
        await using running = await PrivateEngine.open({ ...options, mirror: hub.name });
        engine = running;
        await using docker = await DockerClient.open(engine.host);

        await t.step("is what was asked for", async () => {
          assert.match(await docker.run("version", "--format", "{{.Server.Version}}"), version);
          assert.match(await docker.run("info", "--format", "{{.Driver}}"), driver);
        });

        await t.step("builds on an image of Docker Hub", async () => {
          await Deno.writeTextFile(`${folder}/Dockerfile`, "FROM busybox:stable\nRUN echo built >/built\n");
          await docker.run("build", "--quiet", "--tag", "built", folder);
          assert.ok(
            hub.requests.some(({ path, token }) => token && path.startsWith("/v2/library/busybox/blobs/")),
          );
          assert.equal(await docker.run("run", "--rm", "built", "cat", "/built"), "built");
        });

        await t.step("pulls a private image with credentials only", async () => {
          const image = `${hub.name}/private/base:1`;
          await assert.rejects(
            docker.run("pull", image),
            /denied|authentication required|authorization failed/,
          );
          const { username, password } = HUB_USER;
          await docker.run("login", "--username", username, "--password", password.reveal(), hub.name);
          await docker.run("pull", "--quiet", image);
        });

        await t.step("publishes ports, and comes back with its data", async () => {
          const app = ["--name", "app", "--publish", "127.0.0.1::80", "--stop-signal", "KILL"];
          await docker.run("run", "--detach", ...app, "built", "httpd", "-f");
          const address = await docker.run("port", "app", "80");
          const response = await fetch(`http://${address}/built`);
          assert.equal(await response.text(), "built\n");
          await running.stop();
          await running.start();
          assert.match(await docker.run("ps", "--all", "--format", "{{.Names}}"), /^app$/);
          await docker.run("start", "app");
        });
        sockets = await shimSockets(engine.directory);
        assert.equal(sockets.length, 1);
        assert.ok((await cgroupsOf(engine.bridge)).length > 0);
        // The container runs on: there is the most to clean up.
        await running.kill();
      }

      await t.step("leaves nothing", async () => {
        const { directory, bridge } = engine;
        assert.deepEqual(await processesOf(directory), []);
        assert.deepEqual(await mountsOf(directory), []);
        assert.deepEqual(await cgroupsOf(bridge), []);
        assert.deepEqual(sockets.filter((each) => existsSync(each)), []);
        for (const path of [directory, `/sys/class/net/${bridge}`]) assert.ok(!existsSync(path), path);
      });
      await Deno.remove(folder, { recursive: true });
    },
  });
}
