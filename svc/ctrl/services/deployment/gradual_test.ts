import assert from "node:assert/strict";
import { GradualState } from "../../../../proto/gen/ctrl/v1/gradual_switch_pb.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { checkedFetch } from "../../api/rest/testing.ts";
import { move, startApi, type TestApi } from "../testing.ts";
import { writeGradual } from "../testing_gradual.ts";
import { setUpLife } from "../testing_lifecycle.ts";

async function setUp(api: TestApi) {
  const life = await setUpLife(api);
  api.workflows.onGradual = (id, order) => writeGradual(api, life.tenant, { id, order });
  return life;
}

Deno.test("a gradual switch is begun once, read, listed, and acted on", async () => {
  await using api = await startApi();
  const { client, d2, d3, environmentId, calls } = await setUp(api);
  const begin = { targetDeploymentId: d3, steps: [5, 25], everyMs: 30_000n, sticky: true };
  const { gradualSwitch: begun } = await client.beginGradualSwitch(begin);
  assert.partialDeepStrictEqual(begun, {
    projectSlug: "shop",
    environmentSlug: "production",
    toDeploymentId: d3,
    state: GradualState.RUNNING,
    percent: 5,
    steps: [5, 25],
    everyMs: 30_000n,
    sticky: true,
  });
  // The answer of the first call may have been lost.
  assert.deepEqual((await client.beginGradualSwitch(begin)).gradualSwitch, begun);
  const gradualSwitchId = begun?.id ?? "";
  assert.deepEqual((await client.getGradualSwitch({ gradualSwitchId })).gradualSwitch, begun);
  await client.advanceGradualSwitch({ gradualSwitchId });
  await client.abortGradualSwitch({ gradualSwitchId });
  assert.deepEqual(calls, [
    `gradual ${environmentId} ${d3} 5,25`,
    `advance ${gradualSwitchId}`,
    `abort ${gradualSwitchId}`,
  ]);
  const listed = async (filter: Parameters<typeof client.listGradualSwitches>[0]) =>
    (await client.listGradualSwitches(filter)).gradualSwitches.map(({ id }) => id);
  assert.deepEqual(await listed({ running: true }), [gradualSwitchId]);
  assert.deepEqual(await listed({ deploymentId: d3 }), [gradualSwitchId]);
  assert.deepEqual(await listed({ deploymentId: d2 }), []);
  assert.deepEqual(await listed({ environmentSlug: "preview" }), []);
});

Deno.test("a gradual switch shows its evidence, and its end with the reason", async () => {
  await using api = await startApi();
  const { client, tenant, d3, environmentId } = await setUp(api);
  const actor = { kind: "system", name: "test" } as const;
  const order = { environmentId, targetDeploymentId: d3, steps: [10], sticky: false, actor };
  const evidence = {
    fromMs: 1,
    untilMs: 2,
    next: { requests: 812, failed: 41, p95Ms: 20 },
    live: { requests: 9, failed: 0 },
  };
  const changes = {
    state: "aborted",
    ended_at: 3,
    running_in: null,
    reason: "worse",
    evidence: JSON.stringify(evidence),
  } as const;
  await writeGradual(api, tenant, { id: "gs_1", order, changes });
  const { gradualSwitch } = await client.getGradualSwitch({ gradualSwitchId: "gs_1" });
  assert.partialDeepStrictEqual(gradualSwitch, {
    state: GradualState.ABORTED,
    percent: 0,
    everyMs: 0n,
    endedAt: 3n,
    reason: "worse",
    evidence: {
      from: 1n,
      until: 2n,
      next: { requests: 812n, failed: 41n, p95Ms: 20 },
      live: { requests: 9n },
    },
  });
});

Deno.test("a target that does not run is started first, also without the permission to start", async () => {
  await using api = await startApi();
  const { tenant, d3, environmentId, calls } = await setUp(api);
  await move(api, d3, "stopped");
  api.workflows.onStart = async () => {
    await api.db.kysely.updateTable("deployments").set({ status: "ready" }).where("id", "=", d3).execute();
    return { kind: "started", hostnames: [] };
  };
  const permissions = ["project.*.promote_deployment", "project.*.read_deployment"];
  const { key } = await api.client(AdminService, tenant.rootKey).createRootKey({ permissions });
  const { gradualSwitch } = await api.client(DeploymentService, key).beginGradualSwitch({
    targetDeploymentId: d3,
  });
  assert.deepEqual(gradualSwitch?.steps, [10, 50]);
  assert.deepEqual(calls, [`start ${d3} then nothing`, `gradual ${environmentId} ${d3} 10,50`]);
});

Deno.test("a gradual switch is refused for what makes no sense, and to other workspaces", async (t) => {
  await using api = await startApi();
  const { client, d2, d3, calls } = await setUp(api);
  const refused = async (call: Promise<unknown>, text: RegExp): Promise<void> =>
    await assert.rejects(call, text);
  const to = (request: object) => client.beginGradualSwitch({ targetDeploymentId: d3, ...request });
  await t.step("values", async () => {
    await refused(to({ targetDeploymentId: d2 }), /is live already/);
    for (const steps of [[50, 10], [0], [100], [10, 10], Array.from({ length: 11 }, (_, at) => at + 1)]) {
      await refused(to({ steps }), /growing shares from 1 to 99/);
    }
    for (const everyMs of [999n, 86_400_001n, -1n]) await refused(to({ everyMs }), /every_ms/);
    await refused(client.getGradualSwitch({ gradualSwitchId: "sw_1" }), /gradual_switch_id/);
    assert.deepEqual(calls, []);
  });
  await t.step("other workspaces, and keys that may only read", async () => {
    const gradualSwitchId = (await to({})).gradualSwitch?.id ?? "";
    const other = await api.tenant("other");
    const stranger = api.client(DeploymentService, other.rootKey);
    for (const call of ["getGradualSwitch", "advanceGradualSwitch", "abortGradualSwitch"] as const) {
      await refused(stranger[call]({ gradualSwitchId }), /was not found/);
      await refused(stranger[call]({ gradualSwitchId: "gs_none" }), /was not found/);
    }
    assert.deepEqual((await stranger.listGradualSwitches({})).gradualSwitches, []);
    await refused(stranger.beginGradualSwitch({ targetDeploymentId: d3 }), /was not found/);
  });
});

Deno.test("REST begins, shows, lists, goes on with and ends a gradual switch", async () => {
  await using api = await startApi();
  const { tenant, d2, d3, calls } = await setUp(api);
  const post = async (
    route: string,
    body: object,
  ): Promise<{ status: number; data: Record<string, unknown> }> => {
    const response = await checkedFetch(`${api.url}/v2/deploy.${route}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${tenant.rootKey}` },
      body: JSON.stringify(body),
    });
    return { status: response.status, ...await response.json() };
  };
  const begun = await post("beginGradualSwitch", {
    deploymentId: d3,
    steps: [20],
    everySeconds: 5,
    sticky: true,
  });
  assert.partialDeepStrictEqual(begun, {
    status: 200,
    data: { state: "RUNNING", percent: 20, steps: [20], everySeconds: 5, sticky: true, toDeploymentId: d3 },
  });
  const name = { gradualSwitchId: begun.data["id"] };
  assert.deepEqual((await post("getGradualSwitch", name)).data, begun.data);
  assert.deepEqual((await post("listGradualSwitches", { running: true })).data, {
    gradualSwitches: [begun.data],
  });
  assert.equal((await post("advanceGradualSwitch", name)).status, 200);
  assert.equal((await post("abortGradualSwitch", name)).status, 200);
  assert.equal(calls.length, 3);
  for (
    const [route, body, status] of [
      ["beginGradualSwitch", { deploymentId: d2 }, 412],
      ["beginGradualSwitch", { deploymentId: "d_none" }, 404],
      ["beginGradualSwitch", { deploymentId: d3, steps: [50, 10] }, 400],
      ["getGradualSwitch", { gradualSwitchId: "gs_none" }, 404],
      ["advanceGradualSwitch", { gradualSwitchId: "gs_none" }, 404],
      ["abortGradualSwitch", { gradualSwitchId: "gs_none" }, 404],
      ["listGradualSwitches", { projectId: "proj_none" }, 404],
    ] as const
  ) assert.equal((await post(route, body)).status, status, `${route} ${JSON.stringify(body)}`);
});
