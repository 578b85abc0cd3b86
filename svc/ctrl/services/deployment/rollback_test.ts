import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { SwitchPath } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { refused, startApi } from "../testing.ts";
import { setLive, setUpLife } from "../testing_lifecycle.ts";

Deno.test("a rollback without ids goes from the live deployment to the one before, and returns the hosts that moved", async () => {
  await using api = await startApi();
  const { tenant, d1, d2, environmentId, client, calls } = await setUpLife(api);
  const { projectId } = tenant;
  const { plan } = await client.planRollback({ projectId });
  assert.deepEqual(
    [plan?.fromDeploymentId, plan?.toDeploymentId, plan?.path, plan?.rolledBack],
    [d2, d1, SwitchPath.INSTANT, true],
  );
  assert.deepEqual(calls, [], "a plan does nothing");
  const memory = [plan?.fromSettings?.size?.memoryMib, plan?.toSettings?.size?.memoryMib];
  assert.ok(memory.every((each) => each !== undefined && each > 0), String(memory));
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
