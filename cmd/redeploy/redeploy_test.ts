import assert from "node:assert/strict";
import { type CreateDeploymentRequest, DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const LISTED = [
  deploymentOf({ id: "d_9", status: DeploymentStatus.FAILED }),
  deploymentOf({ id: "d_8" }),
  deploymentOf({ id: "d_7" }),
];

function controlPlane(creates: CreateDeploymentRequest[], end = DeploymentStatus.READY) {
  return startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      listEnvironments: () => ({
        environments: [{ slug: "production", liveDeploymentId: "d_1" }, { slug: "preview" }],
      }),
    },
    deployment: {
      createDeployment(request) {
        creates.push(request);
        return { deploymentId: "d_10" };
      },
      getDeployment: ({ deploymentId }) => ({
        deployment: deploymentOf({
          id: deploymentId,
          ...(deploymentId === "d_10" ? { status: end, errorMessage: "why", failureCode: "crash_loop" } : {}),
        }),
      }),
      listDeployments: () => ({ deployments: LISTED }),
      async *watchDeploymentEvents() {},
    },
  });
}

Deno.test("redeploy repeats the given deployment, else the live one, else the newest that got ready", async () => {
  const creates: CreateDeploymentRequest[] = [];
  await using api = await controlPlane(creates);
  const env = access(api.url);
  for (
    const args of [["d_5"], ["--env", "production"], ["--project", "shop"], ["d_5", "--to", "qa"]]
  ) {
    const { code, stdout, stderr } = await unkey(["redeploy", ...args], { env });
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "http://shop-acme.localhost:7070\n");
  }
  assert.deepEqual(creates.map(({ redeployOf, environmentSlug }) => [redeployOf, environmentSlug]), [
    ["d_5", ""],
    ["d_1", ""],
    ["d_8", ""],
    ["d_5", "qa"],
  ]);
});

Deno.test("redeploy ends with the codes and the JSON of a deploy", async () => {
  await using api = await controlPlane([], DeploymentStatus.FAILED);
  const failed = await unkey(["redeploy", "d_5", "--json"], { env: access(api.url) });
  assert.equal(failed.code, 13);
  const result = onlyJson(failed);
  assert.ok(typeof result === "object" && result !== null && "error" in result && "project" in result);
  assert.deepEqual(result.error, { code: "crash_loop", message: "why", phase: "start" });
  assert.equal(result.project, "shop");
  const usage = await unkey(["redeploy", "shop", "--json"], { env: access(api.url) });
  assert.equal(usage.code, 2);
  const away = await unkey(["redeploy", "--json"], { env: {} });
  assert.equal(away.code, 4);
  assert.match(JSON.stringify(onlyJson(away)), /"code":"unauthenticated"/);
});
