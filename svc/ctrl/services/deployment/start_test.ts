import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deployImage, eachRefused, move, type RefusalCase, refused, startApi } from "../testing.ts";
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

Deno.test("startDeployment() refuses deployments that have nothing to start, and returns the reason of a failed start", async (t) => {
  await using api = await startApi();
  const { tenant, d1, client, calls } = await setUpLife(api);
  const start = (deploymentId: string) => () => client.startDeployment({ deploymentId });
  const cases: RefusalCase[] = [];
  for (const status of ["failed", "cancelled", "superseded"] as const) {
    const id = await deployImage(api, tenant);
    await move(api, id, status);
    cases.push([status, start(id), Code.FailedPrecondition, new RegExp(`is ${status} and was never ready`)]);
  }
  calls.length = 0;
  await eachRefused(t, cases);
  assert.deepEqual(calls, [], "no workflow is called");
  await move(api, d1, "stopped");
  const { workflows } = api;
  await t.step("the app does not come up", async () => {
    workflows.onStart = () => Promise.resolve({ kind: "failed", code: "crash_loop", message: "boom" });
    await refused(start(d1)(), Code.FailedPrecondition, /did not start again.*boom/);
  });
  await t.step("the start is cancelled", async () => {
    workflows.onStart = () => Promise.resolve({ kind: "cancelled" });
    await refused(start(d1)(), Code.Canceled, /was cancelled/);
  });
  await t.step("other starts come first three times", async () => {
    calls.length = 0;
    workflows.onStart = () => Promise.resolve({ kind: "busy", startId: "start_other" });
    await refused(start(d1)(), Code.Unavailable, /started over and over/);
    assert.equal(calls.length, 3);
  });
});
