/**
 * Generated trees and ignore files, each built by `docker build` and by our builder: both images must hold the same bytes.
 *
 * Compared are paths, kinds, modes, times, targets, hard links, owners and content, as precisely as the image keeps them,
 * and the configuration. Left out are names that are not UTF-8 and extended attributes, since the runtime has
 * no way to read them, and devices, which no deploy takes.
 *
 * The trees are the same in every run, unless `UNKEY_DIFFERENTIAL_SEED` is `random` or names another seed;
 * `UNKEY_DIFFERENTIAL_CONTEXT` builds only one context of it;
 * `UNKEY_DIFFERENTIAL_TREES` is how many trees there are, and `UNKEY_DIFFERENTIAL_ENGINES` names the engines, e.g.
 * `29-classic,29-containerd`.
 */
import assert from "node:assert/strict";
import type { Engine } from "../../pkg/docker/mod.ts";
import { type BedEngine, canCompare, chosenEngines, DifferentialBed } from "./bed.ts";
import type { Ended } from "./build_pair.ts";
import type { LayerOptions } from "./file_differences.ts";
import { generateContext, type GeneratedContext } from "./generated_context.ts";
import { imageDifferences } from "./image_differences.ts";
import { SystemCalls } from "./system_calls.ts";

const SEED = seedOf(Deno.env.get("UNKEY_DIFFERENTIAL_SEED"));
const ONLY = Deno.env.get("UNKEY_DIFFERENTIAL_CONTEXT");
const TREES = Number(Deno.env.get("UNKEY_DIFFERENTIAL_TREES") ?? 2_000);
const TREES_PER_CONTEXT = 10;
const LANES = 3;
/** Of the contexts; a run in which most builds are refused proves little. */
const REFUSED_SHARE_MAX = 0.3;
const DIFFERENCES_MAX = 5;
/** Docker 20.10 cannot pass on patterns with control characters; newer ones can. */
const TRANSPORT_ERROR = /RST_STREAM with error code: PROTOCOL_ERROR|failed to solve: context canceled/;
const SEED_STEP = 0x9e3779b1;

function seedOf(given = "1"): number {
  return given === "random" ? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0 : Number(given);
}

for (const kind of chosenEngines()) {
  const name = `generated trees become the same image as with docker build (Docker ${kind})`;
  Deno.test(name, { ignore: !await canCompare(kind) }, () => compareTrees(kind));
}

async function compareTrees(kind: BedEngine): Promise<void> {
  await using bed = await DifferentialBed.open(kind);
  using system = new SystemCalls();
  const contexts = Math.ceil(TREES / TREES_PER_CONTEXT);
  const refusedMax = Math.ceil(contexts * REFUSED_SHARE_MAX);
  const queue = ONLY === undefined
    ? Array.from({ length: contexts + refusedMax }).keys()
    : [Number(ONLY)].values();
  const found: string[] = [];
  let [same, refused] = [0, 0];
  await Promise.all(Array.from({ length: LANES }, async () => {
    for (const index of queue) {
      const outcome = await compareContext(bed, index, system);
      if (outcome === "refused") refused++;
      else if (outcome === "same") same++;
      else found.push(outcome);
      if (found.length >= DIFFERENCES_MAX || same >= contexts) return;
    }
  }));
  assert.ok(found.length === 0, `with UNKEY_DIFFERENTIAL_SEED=${SEED}:\n\n${found.join("\n\n")}\n`);
  assert.ok(same >= contexts || ONLY !== undefined, `${refused} contexts were refused by docker build`);
  const trees = same * TREES_PER_CONTEXT;
  // deno-lint-ignore no-console -- says how to repeat a run, and how much it has covered
  console.log(`seed ${SEED}: ${trees} trees are the same, ${refused} contexts were refused by docker build`);
}

/** Builds one context both ways. Everything but "same" and "refused" tells a difference. */
async function compareContext(bed: DifferentialBed, index: number, system: SystemCalls): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: bed.directory, prefix: "context-" });
  try {
    const seed = SEED + Math.imul(index + 1, SEED_STEP);
    const context = generateContext({ folder, seed, trees: TREES_PER_CONTEXT, system });
    const buildSinceMs = Date.now();
    // One after the other: BuildKit joins the same work of builds that run at the same time.
    const reference = await bed.dockerBuild(context, `differential/reference:${index}`);
    const ours = await bed.platformBuild(context, `differential/ours:${index}`);
    if (
      reference.kind === "refused" && (ours.kind === "refused" || TRANSPORT_ERROR.test(reference.why))
    ) {
      return "refused";
    }
    const differences = await compareImages(bed.engine, { reference, ours }, {
      buildSinceMs,
      contentMayBeLost: true,
    });
    return differences.length === 0 ? "same" : describe(index, context, differences);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function compareImages(
  engine: Engine,
  { reference, ours }: { readonly reference: Ended; readonly ours: Ended },
  options: LayerOptions,
): Promise<readonly string[]> {
  if (reference.kind === "refused") return [`docker build refuses it, and we do not: ${reference.why}`];
  if (ours.kind === "refused") return [`docker build takes it, and we do not: ${ours.why}`];
  return await imageDifferences(engine, { reference: reference.image, ours: ours.image }, options);
}

function describe(index: number, { description }: GeneratedContext, differences: readonly string[]): string {
  return `UNKEY_DIFFERENTIAL_CONTEXT=${index}: ${description}\n${differences.join("\n")}`;
}
