import assert from "node:assert/strict";
import { type Import, importsOf, packageCycles, PURE, RULES } from "./rules.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) yield* sources(`${path}/`);
    else if (/\.tsx?$/.test(entry.name)) yield path;
  }
}

async function checkout(): Promise<Import[]> {
  const edges: Import[] = [...importsOf("main.ts", await Deno.readTextFile(`${ROOT}main.ts`))];
  for (const folder of ["cmd/", "pkg/", "proto/gen/", "svc/", "tests/", "dev/"]) {
    for await (const path of sources(folder)) {
      edges.push(...importsOf(path, await Deno.readTextFile(`${ROOT}${path}`)));
    }
  }
  return edges;
}

Deno.test("the checkout keeps every layer rule", async (t) => {
  const edges = await checkout();
  assert.ok(edges.length > 300, "the scan finds the project's imports");
  for (const rule of RULES) {
    await t.step(rule.name, () => {
      const found = edges.filter(rule.forbids).map(({ from, to }) => `${from} imports ${to}`);
      assert.deepEqual(found, []);
    });
  }
  await t.step(
    "packages do not import each other in circles",
    () => assert.deepEqual(packageCycles(edges), []),
  );
});

Deno.test("each pattern of a pure file matches a file", async () => {
  const paths = (await checkout()).map(({ from }) => from);
  for (const pattern of PURE) assert.ok(paths.some((path) => pattern.test(path)), String(pattern));
});

/** A rule that nothing can break checks nothing. */
const PLANTED: Readonly<Record<string, readonly [path: string, source: string]>> = {
  "main.ts imports only the command tree, pkg/cli and the clock": [
    "main.ts",
    `import { a } from "./pkg/db/mod.ts";`,
  ],
  "a command reaches a service only through its run.ts and config.ts": [
    "cmd/deploy/deploy.ts",
    `const { a } = await import("../../svc/ctrl/internal/store/mod.ts");`,
  ],
  "nothing but main.ts and tests imports a command": [
    "svc/krane/run.ts",
    `import { ROOT } from "../../cmd/root.ts";`,
  ],
  "a command imports no other command, and cmd/shared imports none": [
    "cmd/shared/project_file.ts",
    `import { a } from "../deploy/config.ts";`,
  ],
  "a service never imports another service": ["svc/krane/run.ts", `import { a } from "../ctrl/api/run.ts";`],
  "the dashboard imports generated messages, the clock, and no service": [
    "svc/dashboard/app.tsx",
    `import { a } from "../../pkg/rpc/mod.ts";`,
  ],
  "an RPC area never imports its siblings": [
    "svc/ctrl/services/deployment/create.ts",
    `export { a } from "../cluster/report.ts";`,
  ],
  "RPC areas and the api know workflows by their contracts only": [
    "svc/ctrl/services/deployment/create.ts",
    `import { a } from "../../worker/deploy/steps.ts";`,
  ],
  "workflows never import RPC areas or the api": [
    "svc/ctrl/worker/deploy/steps.ts",
    `import { a } from "../../services/deployment/create.ts";`,
  ],
  "a workflow knows another by its contract only": [
    "svc/ctrl/worker/deploy/mod.ts",
    `import { a } from "../image_build/steps.ts";`,
  ],
  "settings, Restate's API and the rollout of the worker stand alone; builder and tasks know no workflow": [
    "svc/ctrl/worker/rollout/wait.ts",
    `import { a } from "../deploy/steps.ts";`,
  ],
  "a workflow takes from the worker the rollout, the retry policy, and types of the builder": [
    "svc/ctrl/worker/deploy/steps.ts",
    `import { a } from "../builder/image_rules.ts";`,
  ],
  "the store is entered only through its door": [
    "svc/ctrl/worker/deploy/steps.ts",
    `import { lockEnvironment } from "../../internal/store/environments.ts";`,
  ],
  "internal packages never import what uses them": [
    "svc/ctrl/internal/store/mod.ts",
    `import { a } from "../../services/deployment/create.ts";`,
  ],
  "a workflow and its stages see only their plan, types, the durable port, and the wait that workflows share":
    [
      "svc/ctrl/worker/deploy/workflow.ts",
      `import { a } from "../../internal/store/mod.ts";`,
    ],
  "a pure file imports nothing that can wait": [
    "svc/krane/internal/runtime/docker/plan.ts",
    `import { a } from "../../../../../pkg/docker/mod.ts";`,
  ],
  "pkg knows no service and no command": ["pkg/db/mod.ts", `import { a } from "../../svc/krane/run.ts";`],
  "a package is used through its mod.ts": [
    "pkg/rpc/client.ts",
    `import type { a } from "../build/explain/hints.ts";`,
  ],
  "generated code imports only the protobuf runtime": [
    "proto/gen/ctrl/v1/x_pb.ts",
    `import { a } from "../../../../pkg/rpc/mod.ts";`,
  ],
  "production never imports tests or the testkit": [
    "svc/krane/run.ts",
    `import { a } from "../../pkg/testkit/mariadb.ts";`,
  ],
  "each npm package has one home": ["svc/ctrl/api/run.ts", `import mysql from "mysql2/promise";`],
};

Deno.test("each layer rule catches a planted violation", async (t) => {
  for (const rule of RULES) {
    await t.step(rule.name, () => {
      const planted = PLANTED[rule.name];
      assert.ok(planted, "every rule has a planted violation");
      assert.equal(importsOf(...planted).filter(rule.forbids).length, 1);
    });
  }
  await t.step("packages do not import each other in circles", () => {
    const edges = [
      ...importsOf("pkg/a/mod.ts", `import { b } from "../b/mod.ts";`),
      ...importsOf("pkg/b/mod.ts", `import { a } from "../a/mod.ts";`),
    ];
    assert.notDeepEqual(packageCycles(edges), []);
  });
});

Deno.test("importsOf() sees every form of import", () => {
  const source = [
    `import a from "./a.ts";`,
    `import type { B } from "./b.ts";`,
    `export * from "./c.ts";`,
    `import {\n  d,\n  type D,\n} from "./d.ts";`,
    `import "./e.ts";`,
    `const f = () => import("./f.ts");`,
    `import g from "@scope/name/sub";`,
  ].join("\n");
  assert.deepEqual(importsOf("x/y.ts", source).map(({ to, typeOnly }) => [to, typeOnly]), [
    ["x/a.ts", false],
    ["x/b.ts", true],
    ["x/c.ts", false],
    ["x/d.ts", false],
    ["x/e.ts", false],
    ["@scope/name", false],
    ["x/f.ts", false],
  ]);
});
