import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deployImage, move, refused, startApi } from "../testing.ts";
import { setUpLife } from "../testing_lifecycle.ts";

Deno.test("a start runs a stopped deployment again, and does nothing for a running one", async () => {
  await using api = await startApi();
  const { tenant, d1, client, calls } = await setUpLife(api);
  assert.equal((await client.startDeployment({ deploymentId: d1 })).status, DeploymentStatus.READY);
  assert.deepEqual(calls, []);
  await move(api, d1, "stopped");
  await client.startDeployment({ deploymentId: d1 });
  assert.deepEqual(calls, [`start ${d1} then nothing`]);
  const pending = await deployImage(api, tenant);
  await refused(client.startDeployment({ deploymentId: pending }), Code.FailedPrecondition, /about to run/);
});
