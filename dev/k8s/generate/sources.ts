/** The manifests as they are written: what `dev/k8s/manifests/kustomization.yaml` lists. */
import { type Document, parse, parseAllDocuments } from "yaml";
import { z } from "zod";

export const MANIFESTS = new URL("../manifests/", import.meta.url);

/** One object of a file. */
export interface Source {
  readonly file: string;
  readonly document: Document;
}

/** One setting of a ConfigMap. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  /** The comment above it; empty when it belongs to the setting before. */
  readonly help: string;
}

export interface Sources {
  readonly objects: readonly Source[];
  /** By the name of the ConfigMap. */
  readonly settings: ReadonlyMap<string, readonly Setting[]>;
}

const Kustomization = z.object({
  resources: z.array(z.string()),
  configMapGenerator: z.array(z.object({ name: z.string(), envs: z.tuple([z.string()]) })),
});

/** Fails for a file that is no YAML. */
export async function readSources(): Promise<Sources> {
  const { resources, configMapGenerator } = Kustomization.parse(parse(await read("kustomization.yaml")));
  const objects: Source[] = [];
  for (const file of resources) {
    for (const document of parseAllDocuments(await read(file))) {
      const [problem] = document.errors;
      if (problem !== undefined) throw new Error(`${file}: ${problem.message}`);
      objects.push({ file, document });
    }
  }
  const settings = new Map<string, Setting[]>();
  for (const { name, envs: [file] } of configMapGenerator) {
    settings.set(name, parseSettings(await read(file)));
  }
  return { objects, settings };
}

/** Lines `NAME=value`, each with the comment lines directly above it. */
export function parseSettings(text: string): Setting[] {
  const settings: Setting[] = [];
  let help: string[] = [];
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (line.startsWith("#")) help.push(line.slice(1).trim());
    else if (at < 0) help = [];
    else {
      settings.push({ name: line.slice(0, at), value: line.slice(at + 1), help: help.join(" ") });
      help = [];
    }
  }
  return settings;
}

function read(file: string): Promise<string> {
  return Deno.readTextFile(new URL(file, MANIFESTS));
}
