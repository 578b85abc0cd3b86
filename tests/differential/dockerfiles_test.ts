/**
 * Dockerfiles of the shapes that projects have, each built by `docker build` and by our builder: configuration, history and
 * files of both images must be the same, but for dates that the builds themselves have given.
 *
 * Each folder below `dockerfiles` is a case, and a `case.json` beside the Dockerfile has its options. A case with another
 * frontend than the oldest engine's is left out there.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { importBaseImages } from "./base_images.ts";
import { canCompare, chosenEngines, DifferentialBed, frontendOf } from "./bed.ts";
import { imageDifferences } from "./image_differences.ts";

const FOLDER = new URL("dockerfiles/", import.meta.url).pathname;
const CASES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).toSorted();

const Options = z.strictObject({
  arguments: z.record(z.string(), z.string()).default({}),
  /** Content by id. */
  secrets: z.record(z.string(), z.string()).default({}),
  target: z.string().optional(),
  /** The oldest version of the Dockerfile frontend that knows the syntax. */
  frontend: z.string().optional(),
});

for (const kind of chosenEngines()) {
  const name = `Dockerfiles of projects become the same image as with docker build (Docker ${kind})`;
  Deno.test(name, { ignore: !await canCompare(kind) }, async (t) => {
    await using bed = await DifferentialBed.open(kind);
    await importBaseImages(bed.engine);
    for (const each of CASES) {
      const options = await optionsOf(each);
      if (options.frontend !== undefined && options.frontend > frontendOf(kind)) continue;
      await t.step(each, () => compare(bed, each, options));
    }
  });
}

async function optionsOf(name: string): Promise<z.infer<typeof Options>> {
  const text = await Deno.readTextFile(`${FOLDER}${name}/case.json`).catch(() => "{}"); // most have none
  return Options.parse(JSON.parse(text));
}

async function compare(bed: DifferentialBed, name: string, options: z.infer<typeof Options>): Promise<void> {
  const root = `${FOLDER}${name}`;
  const { target } = options;
  const secrets: Record<string, string> = {};
  for (const [id, content] of Object.entries(options.secrets)) {
    secrets[id] = `${bed.directory}/${name}-${id}`;
    await Deno.writeTextFile(`${bed.directory}/${name}-${id}`, content);
  }
  const input = {
    root,
    dockerfile: `${root}/Dockerfile`,
    arguments: options.arguments,
    secrets,
    ...(target === undefined ? {} : { target }),
  };
  const buildSinceMs = Date.now();
  const reference = await bed.dockerBuild(input, `differential/reference:${name}`);
  assert.ok(reference.kind === "built", reference.kind === "refused" ? reference.why : "");
  const ours = await bed.platformBuild(input, `differential/ours:${name}`);
  assert.ok(ours.kind === "built", ours.kind === "refused" ? ours.why : "");
  const images = { reference: reference.image, ours: ours.image };
  const differences = await imageDifferences(bed.engine, images, { buildSinceMs });
  assert.ok(differences.length === 0, `\n${differences.join("\n")}\n`);
}
