import assert from "node:assert/strict";
import { DeploymentService, DeploymentStatus } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { claimStart, findDeployment, markCancelled } from "../../internal/store/mod.ts";
import { clock, deployImage, move, refused, startApi } from "../testing.ts";
import { Code } from "@connectrpc/connect";
import { transact } from "../../../../pkg/db/mod.ts";
import { setLive, setUpLife } from "../testing_lifecycle.ts";

Deno.test("cancelDeployment() records the request and cancels the workflow, and is harmless when repeated", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await deployImage(api, tenant);
  const client = api.client(DeploymentService, tenant.rootKey);
  assert.equal((await client.cancelDeployment({ deploymentId: id })).status, DeploymentStatus.PENDING);
  assert.ok((await findDeployment(api.db.kysely, id))?.cancel_requested_at);
  await move(api, id, "cancelled");
  const calls = api.workflows.calls.length;
  assert.equal((await client.cancelDeployment({ deploymentId: id })).status, DeploymentStatus.CANCELLED);
  assert.equal(api.workflows.calls.length, calls);
});

Deno.test("a cancel of a live deployment rolls it back, and is harmless when repeated", async (t) => {
  await using api = await startApi();
  const { d1, d2, d3, environmentId, client, calls } = await setUpLife(api);
  await t.step("to the deployment that was live before", async () => {
    const answer = await client.cancelDeployment({ deploymentId: d2 });
    assert.equal(answer.status, DeploymentStatus.READY);
    assert.deepEqual([answer.rolledBack?.fromDeploymentId, answer.rolledBack?.toDeploymentId], [d2, d1]);
    assert.deepEqual(calls.splice(0), [`rollback ${environmentId} ${d2} ${d1}`]);
  });
  await setLive(api, environmentId, d2, d1, true);
  await markCancelled(api.db.kysely, { id: d2, nowMs: 1 });
  await t.step("once", async () => {
    const again = await client.cancelDeployment({ deploymentId: d2 });
    assert.deepEqual([again.status, again.rolledBack], [DeploymentStatus.READY, undefined]);
  });
  await t.step(
    "not when nothing was live before",
    () =>
      refused(
        client.cancelDeployment({ deploymentId: d1 }),
        Code.FailedPrecondition,
        /nothing was live before it/,
      ),
  );
  await t.step(
    "not when it never went live",
    () => refused(client.cancelDeployment({ deploymentId: d3 }), Code.FailedPrecondition, /unkey stop/),
  );
  assert.deepEqual(calls, []);
});

Deno.test("a cancel during a start goes to the start's workflow", async () => {
  await using api = await startApi();
  const { d1, client, calls } = await setUpLife(api);
  await move(api, d1, "deploying");
  await transact(
    api.db,
    (tx) => claimStart(tx, { deploymentId: d1, startId: "start_1", nowMs: clock.now() }),
  );
  await client.cancelDeployment({ deploymentId: d1 });
  assert.deepEqual(calls, ["cancel start_1"]);
});

Deno.test("cancelDeployment() does nothing for deployments that are over, and keeps the request when Restate is down", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const over = { failed: DeploymentStatus.FAILED, superseded: DeploymentStatus.SUPERSEDED } as const;
  for (const [status, wire] of Object.entries(over)) {
    await t.step(status, async () => {
      const deploymentId = await deployImage(api, tenant);
      await move(api, deploymentId, status as keyof typeof over);
      api.workflows.calls.length = 0;
      assert.equal((await client.cancelDeployment({ deploymentId })).status, wire);
      assert.deepEqual(api.workflows.calls, []);
    });
  }
  await t.step("Restate is down", async () => {
    const deploymentId = await deployImage(api, tenant);
    api.workflows.fail = true;
    await refused(client.cancelDeployment({ deploymentId }), Code.Unavailable, /./);
    assert.ok((await findDeployment(api.db.kysely, deploymentId))?.cancel_requested_at);
    api.workflows.fail = false;
    api.workflows.calls.length = 0;
    await client.cancelDeployment({ deploymentId });
    assert.deepEqual(api.workflows.calls, [`submit ${deploymentId}`, `cancel ${deploymentId}`]);
  });
});
