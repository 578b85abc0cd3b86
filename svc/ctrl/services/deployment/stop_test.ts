import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { move, refused, startApi } from "../testing.ts";
import { setUpLife } from "../testing_lifecycle.ts";

Deno.test("a stop is refused with the names that the deployment serves, and is harmless when repeated", async () => {
  await using api = await startApi();
  const { d1, d2, environmentId, client, calls } = await setUpLife(api);
  await refused(
    client.stopDeployment({ deploymentId: d2 }),
    Code.FailedPrecondition,
    /the environment "production"/,
  );
  await client.stopDeployment({ deploymentId: d1 });
  assert.deepEqual(calls, [`stopByUser ${environmentId} ${d1}`]);
  await move(api, d1, "stopped");
  assert.equal((await client.stopDeployment({ deploymentId: d1 })).status, DeploymentStatus.STOPPED);
  await move(api, d1, "failed");
  await refused(client.stopDeployment({ deploymentId: d1 }), Code.FailedPrecondition, /nothing of it runs/);
  assert.equal(calls.length, 1);
});
