import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  DeploymentService,
  DeploymentStatus,
  SwitchPath,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { claimStart, markCancelled } from "../../internal/store/mod.ts";
import { clock, deployImage, failure, move, refused, startApi } from "../testing.ts";
import { setLive, setUpLife } from "../testing_lifecycle.ts";
import { CALL_MS_MAX } from "../../api/mount.ts";

Deno.test("promote and rollback ask the gates before the workflow", async () => {
  await using api = await startApi();
  const { tenant, d1, d2, d3, environmentId, client, calls } = await setUpLife(api);
  await refused(client.promote({ targetDeploymentId: d2 }), Code.FailedPrecondition, /is live already/);
  await refused(
    client.rollback({ sourceDeploymentId: d1, targetDeploymentId: d3 }),
    Code.FailedPrecondition,
    /not the live one/,
  );
  await refused(
    client.rollback({ sourceDeploymentId: d2, targetDeploymentId: d2 }),
    Code.InvalidArgument,
    /same deployment/,
  );
  const preview = await deployImage(api, tenant, "preview");
  await refused(
    client.promote({ targetDeploymentId: preview }),
    Code.FailedPrecondition,
    /no live deployment/,
  );
  await refused(
    client.rollback({ sourceDeploymentId: d2, targetDeploymentId: preview }),
    Code.InvalidArgument,
    /different environments/,
  );
  const pending = await deployImage(api, tenant);
  await refused(client.promote({ targetDeploymentId: pending }), Code.FailedPrecondition, /is pending/);
  assert.deepEqual(calls.filter((each) => !each.startsWith("submit")), []);
  await client.promote({ targetDeploymentId: d3 });
  assert.deepEqual(calls.at(-1), `promote ${environmentId} ${d3}`);
});

Deno.test("a rollback without names goes from the live one to the one before, and says what moved", async () => {
  await using api = await startApi();
  const { tenant, d1, d2, environmentId, client, calls } = await setUpLife(api);
  const { projectId } = tenant;
  const { plan } = await client.planRollback({ projectId });
  assert.deepEqual(
    [plan?.fromDeploymentId, plan?.toDeploymentId, plan?.path, plan?.rolledBack],
    [d2, d1, SwitchPath.INSTANT, true],
  );
  assert.deepEqual(calls, [], "a plan does nothing");
  const { switched } = await client.rollback({ projectId });
  assert.deepEqual(calls, [`rollback ${environmentId} ${d2} ${d1}`]);
  assert.deepEqual(
    [
      switched?.fromDeploymentId,
      switched?.toDeploymentId,
      switched?.hostnames,
      switched?.urls,
      switched?.environmentSlug,
    ],
    [d2, d1, ["shop-acme.localhost"], ["http://shop-acme.localhost:7070"], "production"],
  );
  await client.rollback({ targetDeploymentId: d1 });
  await client.rollback({ sourceDeploymentId: d2 });
  assert.deepEqual(new Set(calls), new Set([`rollback ${environmentId} ${d2} ${d1}`]));
  await refused(client.rollback({}), Code.InvalidArgument, /Say what to roll back/);
  await refused(
    client.rollback({ projectId, environmentSlug: "preview" }),
    Code.FailedPrecondition,
    /no live/,
  );
  await refused(
    client.rollback({ projectId, environmentSlug: "qa" }),
    Code.NotFound,
    /It has: preview, production/,
  );

  await setLive(api, environmentId, d2, d1, true);
  // Going back once more would go before d1, where nothing was.
  await refused(
    client.rollback({ projectId }),
    Code.FailedPrecondition,
    /Nothing was live in "production" before/,
  );
});

Deno.test("promoting the live one of a rolled-back environment is allowed whatever its instances do", async () => {
  await using api = await startApi();
  const { d1, d2, environmentId, client, calls } = await setUpLife(api);
  await setLive(api, environmentId, d2, d1, true);
  await api.db.kysely.deleteFrom("instances").execute();
  assert.equal((await client.getDeployment({ deploymentId: d1 })).deployment?.environmentRolledBack, true);
  const { switched } = await client.promote({ targetDeploymentId: d1 });
  assert.equal(switched?.rolledBack, false);
  assert.deepEqual(calls, [`promote ${environmentId} ${d1}`]);
});

Deno.test("a stopped target is started first; a start that fails is told with its reason", async (t) => {
  await using api = await startApi();
  const { tenant, d1, d2, environmentId, client, calls } = await setUpLife(api);
  await move(api, d1, "stopped");
  const { plan } = await client.planRollback({ projectId: tenant.projectId });
  assert.equal(plan?.path, SwitchPath.COLD);

  const { workflows } = api;
  const switched = { previousDeploymentId: d2, hostnames: ["shop-acme.localhost"] };
  await t.step("it starts and serves", async () => {
    workflows.onStart = () => Promise.resolve({ kind: "switched", switched });
    const answer = await client.rollback({ projectId: tenant.projectId });
    assert.deepEqual([answer.switched?.path, answer.switched?.toDeploymentId], [SwitchPath.COLD, d1]);
    assert.deepEqual(calls.splice(0), [`start ${d1} then rollback`]);
  });
  await t.step("it does not start", async () => {
    workflows.onStart = () =>
      Promise.resolve({
        kind: "failed",
        code: "crash_loop",
        message: "The app ended. Its last output:\nboom",
      });
    await refused(
      client.rollback({ projectId: tenant.projectId }),
      Code.FailedPrecondition,
      /did not start again; nothing else was changed. The app ended. Its last output:\nboom/,
    );
  });
  await t.step("somebody cancels the start", async () => {
    workflows.onStart = () => Promise.resolve({ kind: "cancelled" });
    await refused(
      client.rollback({ projectId: tenant.projectId }),
      Code.Canceled,
      /cancelled; nothing was changed/,
    );
  });
  await t.step("somebody else promotes meanwhile", async () => {
    const message = `Deployment ${d2} is not the live one.`;
    workflows.onStart = () =>
      Promise.resolve({ kind: "refused", refusal: { code: "failed_precondition", message } });
    await refused(
      client.rollback({ projectId: tenant.projectId }),
      Code.FailedPrecondition,
      /not the live one/,
    );
  });
  await t.step("somebody else starts it already", async () => {
    calls.length = 0;
    workflows.onStart = async () => {
      workflows.onStart = () => Promise.resolve({ kind: "cancelled" });
      await move(api, d1, "ready");
      return { kind: "busy", startId: "start_other" };
    };
    const answer = await client.rollback({ projectId: tenant.projectId });
    assert.equal(answer.switched?.path, SwitchPath.INSTANT);
    assert.deepEqual(calls, [
      `start ${d1} then rollback`,
      "await start_other",
      `rollback ${environmentId} ${d2} ${d1}`,
    ]);
  });
});

Deno.test("a cancel once a deployment is live rolls it back, and is harmless when repeated", async (t) => {
  await using api = await startApi();
  const { d1, d2, d3, environmentId, client, calls } = await setUpLife(api);
  await t.step("to what was live before", async () => {
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

Deno.test("a cancel of a start goes to the start", async () => {
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

Deno.test("stop says what a deployment serves, and is harmless when repeated", async () => {
  await using api = await startApi();
  const { d1, d2, environmentId, client, calls } = await setUpLife(api);
  await refused(
    client.stopDeployment({ deploymentId: d2 }),
    Code.FailedPrecondition,
    /the environment "production"/,
  );
  await client.stopDeployment({ deploymentId: d1 });
  assert.deepEqual(calls, [`halt ${environmentId} ${d1}`]);
  await move(api, d1, "stopped");
  assert.equal((await client.stopDeployment({ deploymentId: d1 })).status, DeploymentStatus.STOPPED);
  await move(api, d1, "failed");
  await refused(client.stopDeployment({ deploymentId: d1 }), Code.FailedPrecondition, /nothing of it runs/);
  assert.equal(calls.length, 1);
});

Deno.test("start brings a stopped deployment back, and leaves one that runs alone", async () => {
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

Deno.test("each operation needs its own permission", async () => {
  await using api = await startApi();
  const { tenant, d1 } = await setUpLife(api);
  const { key } = await api.client(AdminService, tenant.rootKey)
    .createRootKey({ permissions: ["project.*.cancel_deployment", "project.*.read_deployment"] });
  const weak = api.client(DeploymentService, key);
  const calls = [
    weak.promote({ targetDeploymentId: d1 }),
    weak.planPromote({ targetDeploymentId: d1 }),
    weak.rollback({ targetDeploymentId: d1 }),
    weak.planRollback({ targetDeploymentId: d1 }),
    weak.stopDeployment({ deploymentId: d1 }),
    weak.startDeployment({ deploymentId: d1 }),
  ];
  for (const call of calls) assert.equal((await failure(call)).code, Code.PermissionDenied);
});

/** The worker gives a start up to an hour, and a client that is told sooner that it failed is told wrong. */
Deno.test("whatever may have to start a deployment has the time for it", () => {
  const { rollback, promote, cancelDeployment, startDeployment } = DeploymentService.method;
  for (const method of [rollback, promote, cancelDeployment, startDeployment]) {
    assert.ok((CALL_MS_MAX.get(method) ?? 0) > 3_600_000, method.name);
  }
});
