/** The retention of images against a real Docker Engine that holds real builds, and what others have in it. */
import assert from "node:assert/strict";
import { LOCAL_REGISTRY } from "../../pkg/build/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import {
  createContainer,
  type Engine,
  inspectImage,
  openEngine,
  removeContainer,
  removeImage,
} from "../../pkg/docker/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import { tagImage } from "../../pkg/testkit/images.ts";
import { type Seed, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import { findDeployment } from "../../svc/ctrl/internal/store/mod.ts";
import { retainImagesOnce } from "../../svc/ctrl/worker/tasks/image_retention.ts";
import { createLocalImages } from "../../svc/ctrl/worker/builder/local_images.ts";
import { BuildBed } from "./build_bed.ts";
import { engineBuilder } from "./builders.ts";

const clock = systemClock();
const log = silentLogger();
const limit = (): AbortSignal => AbortSignal.timeout(60_000);

interface Deployed {
  readonly id: string;
  readonly image: string;
}

/** Builds, writes the image down, and stops the deployment, as its workflows would. */
async function deployed(engine: Engine, bed: BuildBed, seed: Seed, line: string): Promise<Deployed> {
  const builder = engineBuilder(engine);
  const files = { Dockerfile: `FROM ${BASE_IMAGE}\nRUN echo ${line} >/line\n` };
  const { id, report } = await bed.build(files, { builder, registryName: LOCAL_REGISTRY, seed });
  assert.ok(report.kind === "built", JSON.stringify(report));
  const row = { image: report.image, status: "stopped" } as const;
  await bed.db.kysely.updateTable("deployments").set(row).where("id", "=", id).execute();
  return { id, image: report.image };
}

Deno.test({
  name:
    "the engine keeps the newest images of an environment, those in use, and all that is not the platform's",
  ignore: !await engineAnswers(),
  fn: async () => {
    await using bed = await BuildBed.start();
    const engine = openEngine();
    const made: string[] = [];
    const has = async ({ image }: Pick<Deployed, "image">) =>
      await inspectImage(engine, image, limit()) !== undefined;
    let container = "";
    try {
      await ensureBaseImage(engine, limit());
      const seed = await seedProject(bed.db);
      const all: Deployed[] = [];
      for (const line of ["one", "two", "three", "four"]) {
        const each = await deployed(engine, bed, seed, `${line} ${crypto.randomUUID()}`);
        made.push(each.image);
        all.push(each);
      }
      const [d1, d2, d3, d4] = all;
      assert.ok(d1 !== undefined && d2 !== undefined && d3 !== undefined && d4 !== undefined);
      // The label is the build's; the name belongs to another workspace.
      const foreign = `unkey-test/foreign:${crypto.randomUUID()}`;
      await tagImage(engine, d1.image, foreign, limit());
      made.push(foreign);
      container = await createContainer(engine, {
        name: `unkey-test-${crypto.randomUUID()}`,
        image: d2.image,
        env: {},
        labels: {},
        limits: { cpuMillicores: 100, memoryBytes: 32 << 20, pidsMax: 16 },
        publish: [],
        network: "bridge",
        restart: "no",
        output: { fileBytesMax: 100_000, filesMax: 1 },
        capabilitiesDropped: [],
        init: false,
      }, limit());

      const deps = { db: bed.db, clock, log, images: createLocalImages(engine), kept: 1 };
      const { deployments, removed } = await retainImagesOnce(deps, limit());
      assert.deepEqual({ deployments, removed }, { deployments: 3, removed: 2 });
      assert.deepEqual(await Promise.all([d1, d2, d3, d4, { image: foreign }].map(has)), [
        false,
        true,
        false,
        true,
        true,
      ]);
      const marks = await Promise.all(
        all.map(async ({ id }) => (await findDeployment(bed.db.kysely, id))?.image_removed_at),
      );
      assert.deepEqual(marks.map((each) => typeof each === "number"), [true, true, true, false]);

      await removeContainer(engine, container, limit());
      container = "";
      const again = await retainImagesOnce(deps, limit());
      assert.deepEqual([again.deployments, again.removed, await has(d2), await has(d4)], [0, 1, false, true]);
    } finally {
      if (container !== "") await removeContainer(engine, container, limit());
      for (const image of made) await removeImage(engine, image, limit());
      engine.close();
    }
  },
});
