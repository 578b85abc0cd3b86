import assert from "node:assert/strict";
import { MACHINES, SUITES } from "./list.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

async function hasTests(folder: string): Promise<boolean> {
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory ? await hasTests(path) : entry.name.endsWith("_test.ts")) return true;
  }
  return false;
}

Deno.test("every folder with tests belongs to one suite", async () => {
  const folders: string[] = [];
  for (const parent of ["", "tests/"]) {
    for await (const { name, isDirectory } of Deno.readDir(`${ROOT}${parent}`)) {
      const path = `${parent}${name}`;
      if (!isDirectory || name.startsWith(".") || ["node_modules", "dist", "tests"].includes(name)) continue;
      if (await hasTests(`${ROOT}${path}`)) folders.push(path);
    }
  }
  const listed = SUITES.filter(({ counts }) => counts)
    .flatMap(({ args }) => args.slice(args.lastIndexOf("--no-check") + 1));
  const whole = listed.filter((each) => !MACHINES.includes(each) && !each.startsWith("--ignore="));
  assert.deepEqual(whole.toSorted(), folders.toSorted());
});

Deno.test("tests of whole machines run in a suite of their own, and not in that of their folder", async () => {
  const withMachines = SUITES.filter(({ args }) => args.some((each) => MACHINES.includes(each)));
  assert.deepEqual(withMachines.map(({ name }) => name), ["machines"]);
  const folder = SUITES.find(({ args }) => args.includes("tests/e2e"));
  assert.ok(folder?.args.includes(`--ignore=${MACHINES.join()}`));
  for (const file of MACHINES) assert.ok((await Deno.stat(`${ROOT}${file}`)).isFile, file);
});

/** Deno runs a file of this name as a test: the runner of the suites would start itself. */
Deno.test("no program has the name that Deno takes for a test", async () => {
  const { stdout } = await new Deno.Command("git", { args: ["ls-files", "*/test.ts", "test.ts"] }).output();
  assert.equal(new TextDecoder().decode(stdout), "");
});
