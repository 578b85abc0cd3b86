/** The Docker builder with a real registry: what is pushed, what is left behind, and what is reported when it fails. */
import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { type Engine, inspectImage, openEngine, pullImage, removeImage } from "../../pkg/docker/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { createManifestFinder, type Registry } from "../../pkg/registry/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import { hasRegistry, REGISTRY_USER, TestRegistry } from "../../pkg/testkit/registry.ts";
import { docker } from "../testbed/testbed.ts";
import { BuildBed, type Built } from "./build_bed.ts";
import { engineBuilder } from "./builders.ts";

const REAL = await engineAnswers() && hasRegistry();
const limit = (): AbortSignal => AbortSignal.timeout(180_000);
const unique = (): string => crypto.randomUUID();

interface Bed {
  readonly engine: Engine;
  readonly build: (
    dockerfile: string,
    registry: Registry,
    options?: { readonly clock?: Clock; readonly signal?: AbortSignal },
  ) => Promise<Built>;
}

/** A test with an engine and a build bed; no image of a build's may be left in the engine after it. */
function real(name: string, test: (bed: Bed) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !REAL,
    fn: async () => {
      await using bed = await BuildBed.start();
      const engine = openEngine();
      const registries = new Set<string>();
      try {
        await ensureBaseImage(engine, limit());
        await test({
          engine,
          build: (dockerfile, registry, { clock = systemClock(), signal } = {}) => {
            registries.add(registry.name);
            const builder = engineBuilder(engine, { registry, clock });
            return bed.build({ Dockerfile: dockerfile }, { builder, registryName: registry.name }, signal);
          },
        });
        for (const registry of registries) {
          const { stdout } = await docker(["images", "--quiet", "--filter", `reference=${registry}/*/*`]);
          assert.equal(stdout, "", "nothing may be left in the engine");
        }
      } finally {
        engine.close();
      }
    },
  });
}

/** A clock whose sleeps end at once, after `onSleep`. */
function impatient(onSleep: () => Promise<void> = () => Promise.resolve()): Clock {
  return { now: systemClock().now, sleep: onSleep };
}

function failure({ report }: Built): Extract<Built["report"], { kind: "failed" }> {
  assert.ok(report.kind === "failed", JSON.stringify(report));
  return report;
}

real("a build is pushed, shown as one step, and known by its digest", async ({ engine, build }) => {
  await using registry = await TestRegistry.start({ credentials: true });
  const marker = unique();
  const dockerfile = `FROM ${BASE_IMAGE}\nRUN echo ${marker} >/marker && echo ran\n`;
  const target = { name: `${registry.name}/apps`, credentials: REGISTRY_USER };
  const first = await build(dockerfile, target);
  assert.ok(first.report.kind === "built", JSON.stringify(first.report));
  const { image } = first.report;
  assert.match(image, /^localhost:\d+\/apps\/ws_[a-z0-9]+\/proj_[a-z0-9]+@sha256:[0-9a-f]{64}$/);
  const pushing = first.lines.filter((line) => line.startsWith("[registry] push "));
  assert.equal(pushing.length, 1, first.lines.join("\n"));
  assert.match(pushing[0] ?? "", /: done in \d+\.\d s$/);

  await pullImage(engine, image, limit(), { credentials: REGISTRY_USER });
  try {
    const { stdout } = await docker(["run", "--rm", "--network", "none", image, "cat", "/marker"]);
    assert.equal(stdout.trim(), marker);
  } finally {
    await removeImage(engine, image, limit());
  }

  const again = await build(dockerfile, target);
  assert.equal(again.report.kind, "built");
  assert.ok(
    again.lines.some((line) => /RUN echo .*: cached$/.test(line)),
    "the build cache outlives the image",
  );
});

/** A registry has a retention of its own: an image that is gone must be known before a deployment counts on it. */
real("an image that was pushed is found until the registry has removed it", async ({ build }) => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-registry-" });
  try {
    await using registry = await TestRegistry.start({ credentials: true, folder });
    const target = { name: `${registry.name}/apps`, credentials: REGISTRY_USER };
    const { report } = await build(`FROM ${BASE_IMAGE}\nLABEL unique=${unique()}\n`, target);
    assert.ok(report.kind === "built", JSON.stringify(report));
    const find = (credentials = target.credentials) =>
      createManifestFinder({ registry: { ...target, credentials }, log: silentLogger() })(
        report.image,
        limit(),
      );
    assert.equal(await find(), "present");
    assert.equal(await find({ username: "pusher", password: new Secret("not-the-password") }), "unknown");
    await registry.pause();
    assert.equal(await find(), "unknown", "the registry is away");
    await Deno.remove(`${folder}/docker/registry/v2/repositories`, { recursive: true });
    await registry.resume();
    assert.equal(await find(), "missing");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

real("wrong credentials are the operator's to mend, and the text says so", async ({ engine, build }) => {
  await using registry = await TestRegistry.start({ credentials: true });
  const wrong = { username: "pusher", password: new Secret("not-the-password") };
  for (const who of [{}, { credentials: wrong }]) {
    const built = await build(`FROM ${BASE_IMAGE}\nLABEL unique=${unique()}\n`, {
      name: registry.name,
      ...who,
    });
    const { code, message } = failure(built);
    assert.equal(code, "push_denied");
    assert.match(message, /UNKEY_REGISTRY_USERNAME/);
    assert.doesNotMatch(message + built.lines.join(), /unauthorized|no basic auth|not-the-password/);
    assert.ok(built.lines.some((line) => /^\[registry\] push .*: failed/.test(line)), built.lines.join("\n"));
  }
  assert.ok(await inspectImage(engine, BASE_IMAGE, limit()) !== undefined);
});

real("a registry that is away for a moment costs the build nothing but time", async ({ build }) => {
  await using registry = await TestRegistry.start();
  await registry.pause();
  const built = await build(`FROM ${BASE_IMAGE}\nLABEL unique=${unique()}\n`, { name: registry.name }, {
    clock: impatient(() => registry.resume()),
  });
  assert.equal(built.report.kind, "built", JSON.stringify(built.report));
  assert.ok(built.lines.some((line) => /trying again$/.test(line)), built.lines.join("\n"));
});

real("a registry that stays away ends the build after a few attempts", async ({ build }) => {
  await using registry = await TestRegistry.start();
  await registry.pause();
  let sleeps = 0;
  const clock = impatient(() => Promise.resolve(void sleeps++));
  const dockerfile = `FROM ${BASE_IMAGE}\nLABEL unique=${unique()}\n`;
  const { code, message } = failure(await build(dockerfile, { name: registry.name }, { clock }));
  assert.equal(code, "registry_unavailable");
  assert.match(message, /does not answer/);
  assert.doesNotMatch(message, /connection refused|dial tcp/);
  assert.equal(sleeps, 3);
});

real("a push is cancelled with its build", async ({ build }) => {
  const stop = new AbortController();
  // Accepts and never answers.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      accepted.push(connection);
      stop.abort(new Error("cancelled by test"));
    }
  })();
  try {
    const name = `localhost:${listener.addr.port}`;
    const dockerfile = `FROM ${BASE_IMAGE}\nLABEL unique=${unique()}\n`;
    await assert.rejects(build(dockerfile, { name }, { signal: stop.signal }), /cancelled by test/);
  } finally {
    listener.close();
    await accepting.catch(() => undefined);
    for (const connection of accepted) connection.close();
  }
});
