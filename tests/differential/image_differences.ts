import type { Engine } from "../../pkg/docker/mod.ts";
import { layerDifferences, type LayerOptions } from "./file_differences.ts";
import { imageFacts, saveImage } from "./images.ts";

/** Names of images that should be the same. */
export interface ImagePair {
  readonly reference: string;
  readonly ours: string;
}

/** All differences between two images in configuration, history and files, but for dates; empty when there is none. */
export async function imageDifferences(
  engine: Engine,
  { reference, ours }: ImagePair,
  options: LayerOptions,
): Promise<readonly string[]> {
  const [want, got] = [await imageFacts(engine, reference), await imageFacts(engine, ours)];
  const facts = difference("configuration", { ...want, layers: [] }, { ...got, layers: [] });
  const [saved, own] = [await saveImage(engine, reference), await saveImage(engine, ours)];
  const history = difference("history", saved.history, own.history);
  const count = Math.max(saved.layers.length, own.layers.length);
  const files = Array.from({ length: count }, (_, at) => at).flatMap((at) =>
    // The same digest means the same bytes.
    want.layers[at] === got.layers[at]
      ? []
      : layerDifferences(saved.layers[at] ?? [], own.layers[at] ?? [], options)
        .map((each) => count === 1 ? each : `layer ${at + 1} of ${count}: ${each}`)
  );
  return [...facts, ...history, ...files];
}

function difference(subject: string, want: unknown, got: unknown): readonly string[] {
  const [reference, ours] = [sorted(want), sorted(got)];
  return reference === ours ? [] : [`${subject}\n  docker build: ${reference}\n  ours:         ${ours}`];
}

/** JSON whose keys are in order. */
function sorted(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, each: unknown) =>
      each !== null && typeof each === "object" && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => a < b ? -1 : 1))
        : each,
  );
}
