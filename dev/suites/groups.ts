/**
 * Test files that run in one isolate. Deno gives each test file an isolate of its own, which loads and compiles the
 * program's modules again: of the units' processor time that was two thirds.
 */
import type { Suite } from "./list.ts";

/** More files save little, and an error outside of a test ends the tests of its whole group. */
export const GROUP_FILES_MAX = 40;

/** Of the names that Deno takes for tests, those that the project uses. */
const TEST_FILE = /_test\.tsx?$/;

/** A file that imports the test files of a group. */
export interface GroupFile {
  readonly name: string;
  readonly text: string;
}

/** Groups of neighbours: they share modules. `root` is the URL of the project, `files` are paths in it. */
export function groupsOf(suite: string, files: readonly string[], root: URL): GroupFile[] {
  const sorted = files.toSorted();
  const count = Math.ceil(sorted.length / GROUP_FILES_MAX);
  const name = suite.replaceAll(" ", "_");
  return Array.from({ length: count }, (_, index) => {
    const members = sorted.slice(index * GROUP_FILES_MAX, (index + 1) * GROUP_FILES_MAX);
    const text = members.map((file) => `import ${JSON.stringify(new URL(file, root).href)};\n`).join("");
    return { name: `${name}_${index + 1}_test.ts`, text };
  });
}

/** The suite with the files of its groups, written to `folder`, in place of its paths. */
export async function inGroups(suite: Suite, folder: string, root: URL): Promise<Suite> {
  if (suite.grouped !== true) return suite;
  const files: string[] = [];
  for (const path of pathsOf(suite)) files.push(...await testFiles(path, root));
  const groups = groupsOf(suite.name, files, root);
  for (const { name, text } of groups) await Deno.writeTextFile(`${folder}/${name}`, text);
  return { ...suite, args: [...optionsOf(suite), ...groups.map(({ name }) => `${folder}/${name}`)] };
}

/** The arguments of a suite of tests before its paths. */
export function optionsOf({ args }: Suite): readonly string[] {
  return args.slice(0, args.lastIndexOf("--no-check") + 1);
}

function pathsOf(suite: Suite): readonly string[] {
  return suite.args.slice(optionsOf(suite).length);
}

async function testFiles(path: string, root: URL): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(path, root))) {
    const inside = `${path}/${name}`;
    if (isDirectory) files.push(...await testFiles(inside, root));
    else if (TEST_FILE.test(name)) files.push(inside);
  }
  return files;
}
