import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deployImage, eachRefused, move, type RefusalCase, refused, startApi } from "../testing.ts";
import { setUpLife } from "../testing_lifecycle.ts";

Deno.test("a stop is refused with the names that the deployment serves, and is harmless when repeated", async () => {
  await using api = await startApi();
  const { d1, d2, environmentId, client, calls } = await setUpLife(api);
  await refused(
    client.stopDeployment({ deploymentId: d2 }),
    Code.FailedPrecondition,
    /the environment "production"/,
  );
  await refused(
    client.stopDeployment({ deploymentId: d2, confirmed: true }),
    Code.FailedPrecondition,
    /deploy, promote or roll back to another one/,
  );
  await client.stopDeployment({ deploymentId: d1 });
  assert.deepEqual(calls, [`stopByUser ${environmentId} ${d1}`]);
  await move(api, d1, "stopped");
  assert.equal((await client.stopDeployment({ deploymentId: d1 })).status, DeploymentStatus.STOPPED);
  await move(api, d1, "failed");
  await refused(client.stopDeployment({ deploymentId: d1 }), Code.FailedPrecondition, /nothing of it runs/);
  assert.equal(calls.length, 1);
});

Deno.test("stopDeployment() refuses deployments that have no instances to stop", async (t) => {
  await using api = await startApi();
  const { tenant, client, calls } = await setUpLife(api);
  const cases: RefusalCase[] = [];
  const texts = {
    pending: /unkey cancel d_/,
    queued: /unkey cancel d_/,
    failed: /nothing of it runs/,
  } as const;
  for (const [status, text] of Object.entries(texts)) {
    const deploymentId = await deployImage(api, tenant);
    if (status !== "pending") await move(api, deploymentId, status as keyof typeof texts);
    cases.push([status, () => client.stopDeployment({ deploymentId }), Code.FailedPrecondition, text]);
  }
  calls.length = 0;
  await eachRefused(t, cases);
  assert.deepEqual(calls, [], "no workflow is called");
});
