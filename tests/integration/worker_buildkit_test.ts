/** The BuildKit builder with a real daemon and a real registry. */
import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { openEngine, pushImage, removeImage } from "../../pkg/docker/mod.ts";
import { isFault } from "../../pkg/fault/mod.ts";
import type { RegistryCredentials } from "../../pkg/registry/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import { canStartBuildkit, TestBuildkit } from "../../pkg/testkit/buildkit.ts";
import { tagImage } from "../../pkg/testkit/images.ts";
import { hasRegistry, REGISTRY_USER, TestRegistry } from "../../pkg/testkit/registry.ts";
import { docker } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";
import { BuildBed, type Built } from "./build_bed.ts";
import { daemonBuilder } from "./builders.ts";

const REAL = await canStartBuildkit() && await engineAnswers() && hasRegistry();
const limit = (): AbortSignal => AbortSignal.timeout(180_000);

interface BuildOptions {
  readonly credentials?: RegistryCredentials;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** A daemon, a registry that asks who is there, and a base image in it, for all steps of a test. */
class Bed implements AsyncDisposable {
  readonly registry: TestRegistry;
  readonly buildkit: TestBuildkit;
  readonly #bed: BuildBed;

  private constructor(registry: TestRegistry, buildkit: TestBuildkit, bed: BuildBed) {
    this.registry = registry;
    this.buildkit = buildkit;
    this.#bed = bed;
  }

  static async start(): Promise<Bed> {
    const registry = await TestRegistry.start({ credentials: true });
    const buildkit = await TestBuildkit.start({ plainHttp: [registry.name] });
    const bed = new Bed(registry, buildkit, await BuildBed.start());
    await bed.#pushBase();
    return bed;
  }

  /** Where base images are: in the same registry, but not among those of builds. */
  get base(): string {
    return `${this.registry.name}/base/busybox:1`;
  }

  get apps(): string {
    return `${this.registry.name}/apps`;
  }

  build(files: Readonly<Record<string, string>> | string, options: BuildOptions = {}): Promise<Built> {
    const { clock = systemClock(), credentials = REGISTRY_USER, signal } = options;
    const registry = { name: this.apps, credentials };
    const trusted = [`${this.registry.name}/base`];
    const builder = daemonBuilder(this.buildkit.url, { clock, registry, trusted });
    const context = typeof files === "string" ? { Dockerfile: files } : files;
    return this.#bed.build(context, { builder, registryName: this.apps }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bed[Symbol.asyncDispose]();
    await this.buildkit[Symbol.asyncDispose]();
    await this.registry[Symbol.asyncDispose]();
  }

  async #pushBase(): Promise<void> {
    const engine = openEngine();
    try {
      await ensureBaseImage(engine, limit());
      await tagImage(engine, BASE_IMAGE, this.base, limit());
      const request = { reference: this.base, credentials: REGISTRY_USER, signal: limit() };
      assert.equal((await pushImage(engine, request)).kind, "pushed");
      await removeImage(engine, this.base, limit());
    } finally {
      engine.close();
    }
  }
}

/** Processes of instructions that `marker` is a part of. */
async function instructions(marker: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // A process may end while the list is read.
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (command.startsWith("/bin/sh") && command.includes(marker)) found.push(Number(name));
  }
  return found;
}

function failure({ report }: Built): Extract<Built["report"], { kind: "failed" }> {
  assert.ok(report.kind === "failed", JSON.stringify(report));
  return report;
}

Deno.test({
  name: "builds on a BuildKit daemon",
  ignore: !REAL,
  fn: async (t) => {
    await using bed = await Bed.start();
    const { base } = bed;
    let first = "";

    await t.step("end in the registry, with the lines that the Docker Engine's builds have", async () => {
      const marker = crypto.randomUUID();
      const dockerfile = `FROM ${base}\nCOPY a.txt /\nRUN echo ${marker} >/marker && echo ran\n`;
      const built = await bed.build({ Dockerfile: dockerfile, "a.txt": "a" });
      assert.ok(built.report.kind === "built", JSON.stringify(built.report) + built.lines.join("\n"));
      first = built.report.image;
      assert.match(first, /^localhost:\d+\/apps\/ws_[a-z0-9]+\/proj_[a-z0-9]+@sha256:[0-9a-f]{64}$/);
      const text = built.lines.join("\n");
      assert.match(text, /^\[3\/3\] RUN echo .*: ran$/m);
      assert.match(text, /^\[3\/3\] RUN echo .*: done in \d+\.\d s$/m);
      assert.match(text, /^\[registry\] push .*: done in \d+\.\d s$/m);
      assert.equal(built.lines.filter((line) => line.startsWith("[registry]")).length, 1, text);

      const user = ["--username", REGISTRY_USER.username, "--password", REGISTRY_USER.password.reveal()];
      const config = await Deno.makeTempDir({ prefix: "unkey-docker-config-" });
      try {
        const as = ["--config", config];
        await docker([...as, "login", ...user, bed.registry.name]);
        const run = await docker([...as, "run", "--rm", "--network", "none", first, "cat", "/marker"]);
        assert.equal(run.stdout.trim(), marker, run.stderr);
      } finally {
        await docker(["rmi", "--force", first]);
        await Deno.remove(config, { recursive: true });
      }

      const again = await bed.build({ Dockerfile: dockerfile, "a.txt": "a" });
      assert.ok(again.lines.some((line) => /RUN echo .*: cached$/.test(line)), again.lines.join("\n"));
    });

    const failing: readonly [string, Record<string, string>, string, readonly RegExp[]][] = [
      ["a failing instruction", { Dockerfile: `FROM ${base}\nRUN echo so-sad && exit 7\n` }, "build_failed", [
        /RUN echo so-sad/,
        /exit code 7/,
        /Its last output:\n.*so-sad/,
      ]],
      ["a missing Dockerfile", { "other.txt": "x" }, "dockerfile_missing", [/no file "Dockerfile"/]],
      ["an unknown instruction", { Dockerfile: `FROM ${base}\nRUUN x\n` }, "build_failed", [
        /is not valid:.*unknown instruction: RUUN/,
      ]],
      ["a file that is not there", { Dockerfile: `FROM ${base}\nCOPY no.txt /\n` }, "build_failed", [
        /copies "no\.txt", which is not in the build context/,
      ]],
      ["a base image that is not there", { Dockerfile: `FROM ${base}-none\n` }, "build_failed", [
        /base image localhost:\d+\/base\/busybox:1-none could not be pulled/,
      ]],
    ];
    for (const [name, files, code, says] of failing) {
      await t.step(`explain ${name}`, async () => {
        const failed = failure(await bed.build(files));
        assert.equal(failed.code, code, failed.message);
        for (const pattern of says) assert.match(failed.message, pattern);
      });
    }

    /** The platform's credentials open the whole registry; what a Dockerfile reads with them must be its own. */
    await t.step("cannot read what other workspaces built", async () => {
      for (
        const dockerfile of [
          `FROM ${first}\n`,
          `FROM ${base}\nCOPY --from=${first} /marker /\n`,
          `FROM ${base}\nRUN --mount=from=${first},target=/x cat /x/marker\n`,
          `# syntax=${first}\nFROM ${base}\n`,
        ]
      ) {
        const failed = failure(await bed.build(dockerfile));
        assert.equal(failed.code, "build_failed");
        assert.match(failed.message, /which this builder does not allow|asks for the frontend/);
      }
    });

    await t.step("tell wrong credentials as what they are", async () => {
      const credentials = { username: "pusher", password: new Secret("not-the-password") };
      const built = await bed.build("FROM scratch\nCOPY Dockerfile /\n", { credentials });
      const { code, message } = failure(built);
      assert.equal(code, "push_denied");
      assert.match(message, /UNKEY_REGISTRY_USERNAME/);
      assert.doesNotMatch(message + built.lines.join(), /401|not-the-password/);
    });

    await t.step("end in the daemon too when they are cancelled", async () => {
      const marker = crypto.randomUUID();
      const stop = new AbortController();
      const building = bed.build(`FROM ${base}\nRUN sleep 600; echo ${marker}\n`, { signal: stop.signal });
      building.catch(() => undefined);
      await eventually("the instruction to run", async () => (await instructions(marker)).length > 0);
      stop.abort(new Error("cancelled by test"));
      await assert.rejects(building, /cancelled by test/);
      await eventually("the instruction to end", async () => (await instructions(marker)).length === 0);
    });

    await t.step("are tried again when the registry was away", async () => {
      const label = crypto.randomUUID();
      await bed.registry.pause();
      const clock = { now: systemClock().now, sleep: () => bed.registry.resume() };
      const built = await bed.build(`FROM scratch\nLABEL l=${label}\nCOPY Dockerfile /\n`, { clock });
      assert.equal(built.report.kind, "built", JSON.stringify(built.report));
      assert.ok(built.lines.some((line) => /trying again$/.test(line)), built.lines.join("\n"));
    });

    await t.step("are left to a retry when the daemon dies", async () => {
      const marker = crypto.randomUUID();
      const building = bed.build(`FROM ${base}\nRUN sleep 600; echo ${marker}\n`);
      building.catch(() => undefined);
      await eventually("the instruction to run", async () => (await instructions(marker)).length > 0);
      await bed.buildkit.kill();
      for (const pid of await instructions(marker)) Deno.kill(pid, "SIGKILL");
      await assert.rejects(building, (error) => isFault(error, "unavailable"));
      await bed.buildkit.resume();
      const again = await bed.build("FROM scratch\nCOPY Dockerfile /\n");
      assert.equal(again.report.kind, "built", JSON.stringify(again.report));
    });
  },
});

Deno.test("a build rejects as unavailable when no daemon answers", async () => {
  await using bed = await BuildBed.start();
  const builder = daemonBuilder("tcp://127.0.0.1:1", { registry: { name: "r.example/apps" } });
  const building = bed.build({ Dockerfile: "FROM scratch\n" }, { builder, registryName: "r.example/apps" });
  await assert.rejects(building, (error) => isFault(error, "unavailable"));
});
