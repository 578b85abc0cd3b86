import assert from "node:assert/strict";
import { NOW, onlyJson } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("environments list shows what each serves, its size and the end of unused deployments; env is short for it", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["env", "list"]);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `ENVIRONMENT  LIVE DEPLOYMENT    LAST DEPLOY  SIZE                                            UNUSED ENDS AFTER  PROTECTED BY  SETTINGS                                             DESCRIPTION
production   d_1 (rolled back)  3h ago       512 MiB of memory, 0.5 cores, 2 in each region  never              -             -                                                    -
qa           -                  -            256 MiB of memory, 0.256 cores                  7d                 password      port 3000, startTimeout 1m30s, healthCheck.path /up  for QA
`,
  );
  assert.deepEqual(onlyJson(await api.run(["environments", "list", "--json"])), {
    project: "shop",
    environments: [
      {
        id: "env_1",
        slug: "production",
        description: "",
        liveDeploymentId: "d_1",
        rolledBack: true,
        size: { memoryMib: 512, cpuMillicores: 500, replicas: 2 },
        lastDeployedAt: NOW - 3 * 3_600_000,
        idleEndSeconds: 0,
        app: {},
      },
      {
        id: "env_2",
        slug: "qa",
        description: "for QA",
        rolledBack: false,
        size: { memoryMib: 256, cpuMillicores: 256 },
        idleEndSeconds: 604_800,
        protection: "own",
        app: { port: 3000, startTimeout: "1m30s", healthCheck: { path: "/up" } },
      },
    ],
  });
});

Deno.test("environments list names the projects when there is none of that name", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["environments", "list", "--project", "shp"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /There is no project "shp" in your workspace\. Did you mean "shop"\?/);
});
