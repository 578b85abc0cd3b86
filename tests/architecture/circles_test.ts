import assert from "node:assert/strict";
import { circlesOf } from "./circles.ts";
import { importsOf } from "./rules.ts";
import { readSource, sourcePaths } from "./sources.ts";

Deno.test("no file imports itself by a detour, not even for a type", async () => {
  const paths = await sourcePaths();
  const edges = (await Promise.all(paths.map(async (path) => importsOf(path, await readSource(path)))))
    .flat();
  assert.ok(edges.length > 300, "the scan finds the project's imports");
  assert.deepEqual(circlesOf(edges), []);
});

Deno.test("circlesOf() finds planted circles, and nothing between files that only share an import", () => {
  const edges = [
    ...importsOf("pkg/a/one.ts", `import { two } from "./two.ts";\nimport { x } from "./x.ts";`),
    ...importsOf("pkg/a/two.ts", `import type { Three } from "./three.ts";\nimport { x } from "./x.ts";`),
    ...importsOf("pkg/a/three.ts", `const { one } = await import("./one.ts");`),
    ...importsOf("svc/b/four.ts", `export { five } from "./five.ts";`),
    ...importsOf("svc/b/five.ts", `import { x } from "../../pkg/a/x.ts";\nimport { y } from "./four.ts";`),
  ];
  assert.deepEqual(circlesOf(edges), [
    ["pkg/a/one.ts", "pkg/a/three.ts", "pkg/a/two.ts"],
    ["svc/b/five.ts", "svc/b/four.ts"],
  ]);
});
