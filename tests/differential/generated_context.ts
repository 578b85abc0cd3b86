import { randomIgnoreFile } from "./ignore_files.ts";
import { Random } from "./random.ts";
import type { SystemCalls } from "./system_calls.ts";
import { TreeGrower } from "./trees.ts";

/** A context that a seed has made. */
export interface GeneratedContext {
  readonly root: string;
  readonly dockerfile: string;
  /** For a report: the ignore files, with their bytes as JSON. */
  readonly description: string;
}

const DOCKERFILE = "FROM scratch\nCOPY . /\n";

interface Options {
  /** A folder that is empty. */
  readonly folder: string;
  readonly seed: number;
  readonly trees: number;
  readonly system: SystemCalls;
}

/** Makes a context of some trees, its ignore files and its Dockerfile, which may lie outside. */
export function generateContext({ folder, seed, trees, system }: Options): GeneratedContext {
  const random = new Random(seed);
  // A name of its own: clients take it for the key of what the builder has of the context already.
  const root = `${folder}/context-${seed}`;
  Deno.mkdirSync(root);
  const grower = new TreeGrower(root, random, system);
  for (let tree = 0; tree < trees; tree++) grower.grow(`t${tree}`);
  const dockerfile = random.chance(0.1) ? `${folder}/Other.dockerfile` : `${root}/Dockerfile`;
  Deno.writeTextFileSync(dockerfile, DOCKERFILE);
  const ignoreFiles = [
    ...placeIgnoreFile(random, {
      path: `${root}/.dockerignore`,
      folder,
      root,
      paths: grower.paths,
      usual: 0.85,
    }),
    ...placeIgnoreFile(random, {
      path: `${dockerfile}.dockerignore`,
      folder,
      root,
      paths: grower.paths,
      usual: 0.12,
    }),
  ];
  grower.finish();
  return { root, dockerfile, description: [dockerfile.slice(folder.length + 1), ...ignoreFiles].join("\n") };
}

interface Place {
  readonly path: string;
  readonly folder: string;
  readonly root: string;
  readonly paths: readonly string[];
  /** Probability that it is a file. */
  readonly usual: number;
}

/** Writes an ignore file, or another kind of entry in its place, or nothing; and tells which. */
function placeIgnoreFile(random: Random, { path, folder, root, paths, usual }: Place): readonly string[] {
  const shown = path.slice(folder.length + 1);
  const bytes = randomIgnoreFile(random, paths);
  const content = `${JSON.stringify(new TextDecoder("latin1").decode(bytes))}`;
  if (random.chance(usual)) {
    Deno.writeFileSync(path, bytes);
    return [`${shown}: ${content}`];
  }
  if (usual < 0.5 && !random.chance(0.05)) return [];
  const kind = random.weighted({ none: 40, link: 20, outside: 15, dangling: 10, absolute: 10, folder: 5 });
  switch (kind) {
    case "none":
      return [];
    case "link":
      Deno.writeFileSync(`${root}/rules`, bytes);
      Deno.symlinkSync("rules", path);
      return [`${shown} -> rules: ${content}`];
    case "outside":
      Deno.writeFileSync(`${folder}/rules`, bytes);
      Deno.symlinkSync("../rules", path);
      return [`${shown} -> ../rules: ${content}`];
    case "dangling":
      Deno.symlinkSync("nowhere", path);
      return [`${shown} -> nowhere`];
    case "absolute":
      Deno.writeFileSync(`${root}/rules`, bytes);
      Deno.symlinkSync("/rules", path);
      return [`${shown} -> /rules: ${content}`];
    case "folder":
      Deno.mkdirSync(path);
      return [`${shown}: a folder`];
  }
}
