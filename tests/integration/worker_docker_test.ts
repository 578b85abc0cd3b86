/** The build step against a real Docker Engine, with the context behind a signed URL. */
import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { inspectImage, openEngine, removeImage } from "../../pkg/docker/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import { createDockerBuilder } from "../../svc/ctrl/worker/builder_docker.ts";
import { BuildBed, type Built } from "./build_bed.ts";

const clock = systemClock();
const log = silentLogger();

/** Builds a context of these files and removes the image again. */
async function build(files: Readonly<Record<string, string>>): Promise<Built> {
  await using bed = await BuildBed.start();
  const engine = openEngine();
  try {
    await ensureBaseImage(engine, AbortSignal.timeout(60_000));
    const builder = createDockerBuilder({ engine, clock, log });
    const built = await bed.build(files, { builder, registryName: "unkey.local" });
    if (built.report.kind === "built") {
      const limit = AbortSignal.timeout(30_000);
      assert.ok(await inspectImage(engine, built.report.image, limit) !== undefined);
      await removeImage(engine, built.report.image, limit);
    }
    return built;
  } finally {
    engine.close();
  }
}

function real(name: string, test: () => Promise<void>): void {
  Deno.test({ name, ignore: !ENGINE, fn: test });
}

const ENGINE = await engineAnswers();

real("a Dockerfile becomes an image, and its output becomes events", async () => {
  const { report, lines } = await build({
    "Dockerfile": `FROM ${BASE_IMAGE}\nRUN echo compiled-${clock.now()}\n`,
  });
  assert.equal(report.kind, "built");
  assert.ok(lines.some((line) => /RUN echo compiled.*: compiled-\d+/.test(line)), lines.join("\n"));
  assert.ok(lines.some((line) => /RUN echo compiled.*: done in/.test(line)), lines.join("\n"));
});

real("a failing instruction is told with its output and its exit code", async () => {
  const { report } = await build({ "Dockerfile": `FROM ${BASE_IMAGE}\nRUN echo so-sad && exit 7\n` });
  assert.ok(report.kind === "failed" && report.code === "build_failed");
  assert.match(report.message, /RUN echo so-sad/);
  assert.match(report.message, /exit code 7/);
  assert.match(report.message, /Its last output:\n.*so-sad/);
});

real("a missing Dockerfile is told as such", async () => {
  const { report } = await build({ "other.txt": "nothing" });
  assert.ok(report.kind === "failed" && report.code === "dockerfile_missing", JSON.stringify(report));
});
