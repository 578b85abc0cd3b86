/** The build step against a real Docker Engine, with the context behind a signed URL. */
import assert from "node:assert/strict";
import { LOCAL_REGISTRY } from "../../pkg/build/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { type Engine, inspectImage, openEngine, removeImage } from "../../pkg/docker/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import { type Seed, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import { BuildBed, type Built } from "./build_bed.ts";
import { engineBuilder } from "./builders.ts";

const clock = systemClock();

/** Builds a context of these files and removes the image again. */
async function build(files: Readonly<Record<string, string>>): Promise<Built> {
  await using bed = await BuildBed.start();
  const engine = openEngine();
  try {
    await ensureBaseImage(engine, AbortSignal.timeout(180_000));
    const built = await buildKept(engine, bed, files);
    if (built.report.kind === "built") await removeImage(engine, built.report.image, limit());
    return built;
  } finally {
    engine.close();
  }
}

/** The same, and the image stays. */
async function buildKept(
  engine: Engine,
  bed: BuildBed,
  files: Readonly<Record<string, string>>,
): Promise<Built> {
  const builder = engineBuilder(engine);
  const built = await bed.build(files, { builder, registryName: LOCAL_REGISTRY });
  if (built.report.kind !== "built") return built;
  assert.ok(await inspectImage(engine, built.report.image, limit()) !== undefined);
  return built;
}

const limit = (): AbortSignal => AbortSignal.timeout(180_000);

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

real("a failing instruction is reported with its output and its exit code", async () => {
  const { report } = await build({ "Dockerfile": `FROM ${BASE_IMAGE}\nRUN echo so-sad && exit 7\n` });
  assert.ok(report.kind === "failed" && report.code === "build_failed");
  assert.match(report.message, /RUN echo so-sad/);
  assert.match(report.message, /exit code 7/);
  assert.match(report.message, /Its last output:\n.*so-sad/);
});

real("a missing Dockerfile is reported as such", async () => {
  const { report } = await build({ "other.txt": "nothing" });
  assert.ok(report.kind === "failed" && report.code === "dockerfile_missing", JSON.stringify(report));
});

/** All builds share one engine, so the name of an image there would be enough to read it. */
real("a build cannot read what another workspace built, and its error says why", async () => {
  await using bed = await BuildBed.start();
  const engine = openEngine();
  let image = "";
  try {
    await ensureBaseImage(engine, limit());
    const { report } = await buildKept(engine, bed, {
      Dockerfile: `FROM ${BASE_IMAGE}\nRUN echo secret >/marker\n`,
    });
    assert.ok(report.kind === "built", JSON.stringify(report));
    image = report.image;
    assert.match(image, /^unkey\.local\/ws_[a-z0-9]+\/proj_[a-z0-9]+:d_[a-zA-Z0-9]+_[a-zA-Z0-9]{30,}$/);
    // What could be guessed, and what cannot: the answer is the same, so it does not reveal which images exist.
    const guessed = image.slice(0, image.lastIndexOf("_"));
    const id = (await inspectImage(engine, image, limit()))?.id.replace("sha256:", "") ?? "";
    const own = /uses the image unkey\.local\/.*one of the platform's own.*push a base image to a registry/;
    for (
      const [dockerfile, says] of [
        ...[image, guessed].flatMap((name): [string, RegExp][] => [
          [`FROM ${name}\n`, own],
          [`ARG BASE=${name}\nFROM $BASE\n`, own],
          [`FROM ${BASE_IMAGE}\nCOPY --from=${name} /marker /\n`, own],
          [`FROM ${BASE_IMAGE}\nRUN --mount=from=${name},target=/x cat /x/marker\n`, own],
          [`# syntax=${name}\nFROM ${BASE_IMAGE}\n`, /asks for the frontend unkey\.local/],
        ]),
        [`FROM ${image.split(":")[0]}@sha256:${id}\n`, own],
        [
          `FROM ${id.slice(0, 12)}\n`,
          /base image docker\.io\/library\/[0-9a-f]{12}:latest could not be pulled/,
        ],
        [`FROM ${id}\n`, /is not valid/],
      ] as const
    ) {
      const { report } = await buildKept(engine, bed, { Dockerfile: dockerfile });
      assert.ok(
        report.kind === "failed" && report.code === "build_failed",
        dockerfile + JSON.stringify(report),
      );
      assert.match(report.message, says);
    }
  } finally {
    if (image !== "") await removeImage(engine, image, limit());
    engine.close();
  }
});

/** A cache of one build would be the input of the next, or reveal what other workspaces build. */
real("a cache of RUN is the workspace's, and no other can read or fill it", async () => {
  await using bed = await BuildBed.start();
  const engine = openEngine();
  const made: string[] = [];
  try {
    await ensureBaseImage(engine, limit());
    const id = crypto.randomUUID();
    const [seed, other] = [await seedProject(bed.db), await seedProject(bed.db)];
    const builder = engineBuilder(engine);
    const run = async (seed: Seed, command: string): Promise<string> => {
      const Dockerfile = `FROM ${BASE_IMAGE}\nRUN --mount=type=cache,id=${id},target=/cache ${command}\n`;
      const { report, lines } = await bed.build({ Dockerfile }, {
        builder,
        registryName: LOCAL_REGISTRY,
        seed,
      });
      assert.ok(report.kind === "built", JSON.stringify(report));
      made.push(report.image);
      return lines.join("\n");
    };
    await run(seed, "echo mine >/cache/file");
    assert.match(await run(seed, "cat /cache/file && echo again"), /: mine$/m);
    assert.match(await run(other, 'echo "found: $(ls /cache)."'), /: found: \.$/m);
  } finally {
    for (const image of made) await removeImage(engine, image, limit());
    engine.close();
  }
});
