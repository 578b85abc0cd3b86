import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { inspectImage, openEngine } from "../pkg/docker/mod.ts";
import { pushBaseImage } from "../pkg/testkit/base_registry.ts";
import { HubRegistry } from "../pkg/testkit/hub_registry.ts";
import { canStartEngine, PrivateEngine, type PrivateEngineOptions } from "../pkg/testkit/private_engine.ts";
import { hasRegistry } from "../pkg/testkit/registry.ts";
import { canPull } from "./can_pull.ts";

const REAL = hasRegistry() && existsSync("/bin/busybox");
const KINDS = [
  // For a manifest it asks Docker Hub itself and no mirror.
  { options: { engine: "20.10" }, mirrors: false },
  { options: { engine: "29", imageStore: "classic" }, mirrors: true },
  { options: { engine: "29", imageStore: "containerd" }, mirrors: true },
] as const satisfies readonly {
  readonly options: PrivateEngineOptions;
  readonly mirrors: boolean;
}[];

for (const { options, mirrors } of KINDS) {
  Deno.test({
    name: `an image can be pulled when its registry answers: ${JSON.stringify(options)}`,
    ignore: !REAL || !await canStartEngine(options.engine),
    fn: async () => {
      await using hub = await HubRegistry.start();
      await pushBaseImage(hub.upstream, "library/busybox:stable");
      await pushBaseImage(hub.upstream, "private/base:1");
      await using docker = await PrivateEngine.open({ ...options, mirror: hub.name });
      const engine = openEngine(docker.host);
      try {
        assert.equal(await canPull(engine, `${hub.name}/library/busybox:stable`), true);
        if (mirrors) {
          assert.equal(await canPull(engine, "busybox:stable"), true);
          await ensureBaseImage(docker.host);
          const signal = AbortSignal.timeout(60_000);
          assert.equal(await inspectImage(engine, "busybox:stable", signal), undefined, "left to the build");
        }
        assert.equal(await canPull(engine, `${hub.name}/library/busybox:none`), false);
        assert.equal(await canPull(engine, `${hub.name}/private/base:1`), false);
        hub.limited = true;
        assert.equal(await canPull(engine, `${hub.name}/library/busybox:stable`), false);
        assert.equal(await canPull(engine, "127.0.0.1:1/library/busybox:stable"), false);
      } finally {
        engine.close();
      }
    },
  });
}

/** The step of dev/up before its first deploy. */
async function ensureBaseImage(host: string): Promise<void> {
  const script = `source "${new URL("lib.sh", import.meta.url).pathname}"; ensure_base_image`;
  const env = { DOCKER_HOST: host };
  const { success, stderr } = await new Deno.Command("bash", { args: ["-c", script], env }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
