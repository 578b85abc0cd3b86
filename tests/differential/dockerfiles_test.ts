/**
 * Dockerfiles of the shapes that projects have, each built by `docker build` and by our builder: configuration, history and
 * files of both images must be the same, but for dates that the builds themselves have given.
 *
 * Each folder below `dockerfiles` is a case, and a `case.json` beside the Dockerfile has its options. A case with another
 * frontend than the oldest engine's is left out there. `UNKEY_DIFFERENTIAL_CASE` names the only one to run, and
 * `UNKEY_DIFFERENTIAL_ENGINES` the engines, e.g. `29-classic,29-containerd`.
 */
import assert from "node:assert/strict";
import { z } from "zod";
import { importBaseImages } from "./base_images.ts";
import { canCompare, chosenEngines, DifferentialBed, frontendOf } from "./bed.ts";
import { imageDifferences } from "./image_differences.ts";

const FOLDER = new URL("dockerfiles/", import.meta.url).pathname;
const ONLY = Deno.env.get("UNKEY_DIFFERENTIAL_CASE");
const CASES = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).toSorted()
  .filter((name) => ONLY === undefined || name === ONLY);
const LANES = 2;

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
    const queue = CASES.values();
    const differences = new Map<string, readonly string[]>();
    await Promise.all(Array.from({ length: LANES }, async () => {
      for (const each of queue) {
        const options = await optionsOf(each);
        if (options.frontend !== undefined && options.frontend > frontendOf(kind)) continue;
        differences.set(each, await compare(bed, each, options));
      }
    }));
    for (const [each, found] of differences) {
      await t.step(each, () => assert.ok(found.length === 0, `\n${found.join("\n")}\n`));
    }
  });
}

async function optionsOf(name: string): Promise<z.infer<typeof Options>> {
  const text = await Deno.readTextFile(`${FOLDER}${name}/case.json`).catch(() => "{}"); // most have none
  return Options.parse(JSON.parse(text));
}

async function compare(
  bed: DifferentialBed,
  name: string,
  options: z.infer<typeof Options>,
): Promise<readonly string[]> {
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
  if (reference.kind === "refused") return [reference.why];
  const ours = await bed.platformBuild(input, `differential/ours:${name}`);
  if (ours.kind === "refused") return [ours.why];
  return await imageDifferences(
    bed.engine,
    { reference: reference.image, ours: ours.image },
    { buildSinceMs },
  );
}
