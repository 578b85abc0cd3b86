import assert from "node:assert/strict";
import { onlyJson } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("environments list shows the live deployment of each; env is short for it", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["env", "list"]);
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `ENVIRONMENT  LIVE DEPLOYMENT  ROLLED BACK  DESCRIPTION
production   d_1              yes          -
qa           -                -            for QA
`,
  );
  assert.deepEqual(onlyJson(await api.run(["environments", "list", "--json"])), {
    project: "shop",
    environments: [
      { id: "env_1", slug: "production", description: "", liveDeploymentId: "d_1", rolledBack: true },
      { id: "env_2", slug: "qa", description: "for QA", rolledBack: false },
    ],
  });
});

Deno.test("environments list names the projects when there is none of that name", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["environments", "list", "--project", "shp"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /There is no project "shp" in your workspace\. Did you mean "shop"\?/);
});
