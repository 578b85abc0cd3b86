/** Writes the Helm chart that belongs to the manifests, or says where the one that is there differs. */
import { makeChart } from "./chart.ts";
import { readSources } from "./sources.ts";

export const CHART = new URL("../chart/", import.meta.url);

/** Puts the chart's files in place of those that are there. */
export async function writeChart(folder = CHART): Promise<void> {
  await Deno.remove(folder, { recursive: true }).catch(() => undefined);
  await Deno.mkdir(new URL("templates", folder), { recursive: true });
  for (const [path, text] of makeChart(await readSources())) {
    await Deno.writeTextFile(new URL(path, folder), text);
  }
}

/** Paths of files that are missing, other ones, or too many. */
export async function staleFiles(folder = CHART): Promise<string[]> {
  const wanted = makeChart(await readSources());
  const found = new Map<string, string>();
  for (const part of ["", "templates/"]) {
    for await (const { name, isFile } of Deno.readDir(new URL(part, folder))) {
      if (isFile) found.set(`${part}${name}`, await Deno.readTextFile(new URL(`${part}${name}`, folder)));
    }
  }
  const paths = new Set([...wanted.keys(), ...found.keys()]);
  return [...paths].filter((path) => wanted.get(path) !== found.get(path)).toSorted();
}
