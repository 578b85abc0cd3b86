import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { deployImage, move, startApi, type TestApi } from "../../services/testing.ts";
import { checkedFetch } from "./testing.ts";
import { setUpLife } from "../../services/testing_lifecycle.ts";

const TYPES = "https://unkey.com/docs/errors/unkey/";

async function post(
  api: TestApi,
  route: string,
  body: unknown,
  key: string,
): Promise<{ status: number; data: unknown; error?: { type: string; detail: string } }> {
  const response = await checkedFetch(`${api.url}/v2/deploy.${route}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...await response.json() };
}

Deno.test("REST moves traffic, cancels, stops and starts as the RPCs do", async () => {
  await using api = await startApi();
  const { tenant, d1, d2, d3, environmentId, calls } = await setUpLife(api);
  const key = tenant.rootKey;
  const place = { projectSlug: "shop", environmentSlug: "production", hostnames: ["shop-acme.localhost"] };
  const { status, data } = await post(api, "rollback", { projectId: tenant.projectId }, key);
  const { tookMs, ...switched } = data as Record<string, unknown>;
  assert.deepEqual([status, switched, typeof tookMs], [
    200,
    { ...place, fromDeploymentId: d2, toDeploymentId: d1, path: "INSTANT", rolledBack: true },
    "number",
  ]);
  assert.equal((await post(api, "promote", { deploymentId: d3 }, key)).status, 200);
  const cancelled = await post(api, "cancel", { deploymentId: d2 }, key);
  assert.equal((cancelled.data as { rolledBack: { toDeploymentId: string } }).rolledBack.toDeploymentId, d1);
  assert.deepEqual((await post(api, "stop", { deploymentId: d1 }, key)).data, { status: "STOPPED" });
  await move(api, d1, "stopped");
  const started = (await post(api, "start", { deploymentId: d1 }, key)).data;
  assert.equal((started as { status: string }).status, "READY");
  assert.deepEqual(calls, [
    `rollback ${environmentId} ${d2} ${d1}`,
    `promote ${environmentId} ${d3}`,
    `rollback ${environmentId} ${d2} ${d1}`,
    `stopByUser ${environmentId} ${d1}`,
    `start ${d1} then nothing`,
  ]);
});

Deno.test("REST lists deployments in pages", async () => {
  await using api = await startApi();
  const { tenant, d1, d2, d3 } = await setUpLife(api);
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const body = { projectId: tenant.projectId, limit: 2, ...(cursor === undefined ? {} : { cursor }) };
    const { data } = await post(api, "listDeployments", body, tenant.rootKey);
    const page = data as { deployments: { id: string; status: string; live: boolean }[]; cursor?: string };
    ids.push(...page.deployments.map(({ id, status, live }) => `${id} ${status} ${live}`));
    cursor = page.cursor;
  } while (cursor !== undefined);
  assert.deepEqual(ids.sort(), [`${d1} READY false`, `${d2} READY true`, `${d3} READY false`].sort());
});

Deno.test("REST refusals have their statuses and types", async (t) => {
  await using api = await startApi();
  const { tenant, d2, calls } = await setUpLife(api);
  const other = await api.tenant("globex");
  const foreign = await deployImage(api, other);
  calls.length = 0;
  const { key: weak } = await api.client(AdminService, tenant.rootKey)
    .createRootKey({ permissions: ["project.*.read_deployment"] });
  const key = tenant.rootKey;
  const missing = [404, "data/project_not_found"] as const;
  const cases: readonly (readonly [string, string, unknown, string, readonly [number, string]])[] = [
    ["promote of the live one", "promote", { deploymentId: d2 }, key, [
      412,
      "application/precondition_failed",
    ]],
    ["stop of the live one", "stop", { deploymentId: d2 }, key, [412, "application/precondition_failed"]],
    [
      "rollback to itself",
      "rollback",
      { sourceDeploymentId: d2, targetDeploymentId: d2 },
      key,
      [400, "application/invalid_input"],
    ],
    ["rollback of nothing", "rollback", {}, key, [400, "application/invalid_input"]],
    ["an unknown field", "promote", { deploymentId: d2, force: true }, key, [
      400,
      "application/invalid_input",
    ]],
    ["another workspace's project", "rollback", { projectId: other.projectId }, key, missing],
    ["an unknown environment", "rollback", { projectId: tenant.projectId, environmentSlug: "qa" }, key, [
      404,
      "data/environment_not_found",
    ]],
    [
      "an environment of another workspace's project",
      "rollback",
      { projectId: other.projectId, environmentSlug: "production" },
      key,
      missing,
    ],
    [
      "another workspace's deployment in an own project",
      "rollback",
      { projectId: tenant.projectId, targetDeploymentId: foreign },
      key,
      missing,
    ],
    ["another workspace's project to list", "listDeployments", { projectId: other.projectId }, key, missing],
    ...["promote", "cancel", "stop", "start"].map((route) =>
      [`another workspace's deployment: ${route}`, route, { deploymentId: foreign }, key, missing] as const
    ),
    ...["promote", "cancel", "stop", "start"].map((route) =>
      [
        `no permission: ${route}`,
        route,
        { deploymentId: d2 },
        weak,
        [403, "authorization/insufficient_permissions"],
      ] as const
    ),
  ];
  for (const [name, route, body, authorization, [status, type]] of cases) {
    await t.step(name, async () => {
      const answer = await post(api, route, body, authorization);
      assert.deepEqual(
        [answer.status, answer.error?.type],
        [status, `${TYPES}${type}`],
        String(answer.error?.detail),
      );
      assert.notEqual(answer.error?.detail, "");
    });
  }
  assert.deepEqual(calls, []);
});
