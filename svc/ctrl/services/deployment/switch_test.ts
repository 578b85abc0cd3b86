import { Code } from "@connectrpc/connect";
import { SelectQueryNode } from "kysely";
import assert from "node:assert/strict";
import { openTestDatabase } from "../../internal/store/testing.ts";
import { SwitchPath } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deployImage, move, refused, startApi } from "../testing.ts";
import { setUpLife } from "../testing_lifecycle.ts";

Deno.test("promote and rollback are refused by the gates, before a workflow is called", async () => {
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

Deno.test("a switch to a stopped target starts it first, and fails with the reason of the start", async (t) => {
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
  await t.step("the start is cancelled", async () => {
    workflows.onStart = () => Promise.resolve({ kind: "cancelled" });
    await refused(
      client.rollback({ projectId: tenant.projectId }),
      Code.Canceled,
      /cancelled; nothing was changed/,
    );
  });
  await t.step("another switch moves the traffic meanwhile", async () => {
    const message = `Deployment ${d2} is not the live one.`;
    workflows.onStart = () =>
      Promise.resolve({ kind: "refused", refusal: { code: "failed_precondition", message } });
    await refused(
      client.rollback({ projectId: tenant.projectId }),
      Code.FailedPrecondition,
      /not the live one/,
    );
  });
  await t.step("another start is under way", async () => {
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

/** Each plan reads the routes of the environment once, and nothing else on the way reads them by a statement of its own. */
async function startCounting() {
  const db = await openTestDatabase();
  const counter = { plans: 0 };
  const kysely = db.kysely.withPlugin({
    transformQuery: ({ node }) => {
      if (SelectQueryNode.is(node) && JSON.stringify(node.from).includes("frontline_routes")) counter.plans++;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  });
  return { db: { ...db, kysely }, counter };
}

Deno.test("a switch plans once, and once more after each act that was refused or in the way of another start", async (t) => {
  const { db, counter } = await startCounting();
  try {
    await using api = await startApi({}, db);
    const { tenant, d1, d3, client } = await setUpLife(api);
    const { projectId } = tenant;
    const plansOf = async (call: () => Promise<unknown>): Promise<number> => {
      counter.plans = 0;
      await call();
      return counter.plans;
    };
    await t.step("a rollback", async () => {
      assert.equal(await plansOf(() => client.rollback({ projectId })), 1);
    });
    await t.step("a promote", async () => {
      assert.equal(await plansOf(() => client.promote({ targetDeploymentId: d3 })), 1);
    });
    await move(api, d1, "stopped");
    await t.step("a start that was refused", async () => {
      const refusal = { code: "failed_precondition", message: "Not now." } as const;
      api.workflows.onStart = () => Promise.resolve({ kind: "refused", refusal });
      const call = () => refused(client.rollback({ projectId }), Code.FailedPrecondition, /Not now/);
      assert.equal(await plansOf(call), 2);
    });
    await t.step("another start", async () => {
      api.workflows.onStart = async () => {
        await move(api, d1, "ready");
        return { kind: "busy", startId: "start_other" };
      };
      assert.equal(await plansOf(() => client.rollback({ projectId })), 2);
    });
  } finally {
    await db.close();
  }
});
