import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { saveBuildSlots } from "../../internal/store/mod.ts";
import { deployImage, move, place, SERVICE_TOKEN, startApi, type TestApi } from "../../services/testing.ts";
import { checkedFetch } from "./testing.ts";

interface Answer {
  readonly status: number;
  readonly body: {
    readonly meta: { readonly requestId: string };
    readonly data?: Record<string, unknown>;
    readonly error?: {
      readonly type: string;
      readonly detail: string;
      readonly status: number;
      readonly title: string;
    };
  };
}

async function post(
  api: TestApi,
  route: string,
  body: unknown,
  { authorization, method = "POST" }: { authorization?: string; method?: string } = {},
): Promise<Answer> {
  const response = await checkedFetch(`${api.url}/v2/${route}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(authorization === undefined ? {} : { authorization }),
    },
    body: method === "GET" ? null : typeof body === "string" ? body : JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.headers.get("x-request-id"), answer.meta.requestId);
  assert.match(answer.meta.requestId, /^req_/);
  return { status: response.status, body: answer };
}

const TYPES = "https://unkey.com/docs/errors/unkey/";

Deno.test("REST failures have their statuses, types and the envelope", async (t) => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const { key: weak } = await api.client(AdminService, own.rootKey)
    .createRootKey({ permissions: ["project.*.read_project"] });
  const foreign = await deployImage(api, other);
  const good = { projectId: own.projectId, branch: "main", environmentSlug: "preview", image: "nginx" };
  const key = { authorization: `Bearer ${own.rootKey}` };
  const create = "deploy.createDeployment";
  const upload = "deploy.generateUploadUrl";
  const get = "deploy.getDeployment";
  const cases: [string, string, unknown, Parameters<typeof post>[3], number, string][] = [
    ["no credentials", create, good, {}, 400, "authentication/missing"],
    ["malformed credentials", create, good, { authorization: "Basic abc" }, 400, "authentication/malformed"],
    [
      "an unknown key",
      create,
      good,
      { authorization: "Bearer unkey_x" },
      401,
      "authentication/key_not_found",
    ],
    [
      "the service token",
      create,
      good,
      { authorization: `Bearer ${SERVICE_TOKEN}` },
      403,
      "authorization/insufficient_permissions",
    ],
    [
      "a key without the permission",
      create,
      good,
      { authorization: `Bearer ${weak}` },
      403,
      "authorization/insufficient_permissions",
    ],
    [
      "a key without the permission to upload",
      upload,
      { projectId: own.projectId },
      { authorization: `Bearer ${weak}` },
      403,
      "authorization/insufficient_permissions",
    ],
    ["malformed JSON", create, "{", key, 400, "application/invalid_input"],
    ["an array", create, [], key, 400, "application/invalid_input"],
    ["a missing field", create, { ...good, branch: undefined }, key, 400, "application/invalid_input"],
    ["an empty field", create, { ...good, branch: "" }, key, 400, "application/invalid_input"],
    ["a project of the wrong form", upload, { projectId: "x" }, key, 400, "application/invalid_input"],
    ["image and build", create, { ...good, build: { context: "x" } }, key, 400, "application/invalid_input"],
    ["neither image nor build", create, { ...good, image: undefined }, key, 400, "application/invalid_input"],
    ["an unknown field", create, { ...good, imgae: "x" }, key, 400, "application/invalid_input"],
    ["a bad image", create, { ...good, image: "a b" }, key, 400, "application/invalid_input"],
    [
      "a body over the limit",
      create,
      { ...good, branch: "x".repeat(5_000_000) },
      key,
      413,
      "application/payload_too_large",
    ],
    [
      "another workspace's project",
      create,
      { ...good, projectId: other.projectId },
      key,
      404,
      "data/project_not_found",
    ],
    [
      "another workspace's project to upload to",
      upload,
      { projectId: other.projectId },
      key,
      404,
      "data/project_not_found",
    ],
    [
      "an unknown environment",
      create,
      { ...good, environmentSlug: "qa" },
      key,
      404,
      "data/project_not_found",
    ],
    [
      "an unknown context",
      create,
      { ...good, image: undefined, build: { context: "x" } },
      key,
      412,
      "application/precondition_failed",
    ],
    ["an unknown deployment", get, { deploymentId: "d_missing" }, key, 404, "data/project_not_found"],
    ["another workspace's deployment", get, { deploymentId: foreign }, key, 404, "data/project_not_found"],
    ["a deployment of the wrong form", get, { deploymentId: "x" }, key, 400, "application/invalid_input"],
    ["an unknown route", "deploy.fly", good, key, 404, "application/not_found"],
    ["a name that every object has", "constructor", good, key, 404, "application/not_found"],
    ["the wrong method", create, good, { ...key, method: "PUT" }, 405, "application/method_not_allowed"],
  ];
  for (const [name, route, body, options, status, type] of cases) {
    await t.step(name, async () => {
      const answer = await post(api, route, body, options);
      const { error, data } = answer.body;
      assert.deepEqual([answer.status, error?.status, error?.type], [status, status, `${TYPES}${type}`]);
      assert.equal(data, undefined);
      assert.ok(error !== undefined && error.title !== "" && error.detail !== "");
    });
  }
  assert.deepEqual(api.workflows.calls.filter((each) => !each.includes(foreign)), []);
});

Deno.test("REST and RPC do the same work", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const key = { authorization: `Bearer ${tenant.rootKey}` };
  const upload = await post(api, "deploy.generateUploadUrl", { projectId: tenant.projectId }, key);
  assert.equal(upload.status, 200);
  const { uploadUrl, context } = upload.body.data ?? {};
  const stored = await fetch(String(uploadUrl), { method: "PUT", body: "a context of any size" });
  await stored.body?.cancel();
  assert.equal(stored.status, 200);

  const body = {
    projectId: tenant.projectId,
    branch: "main",
    environmentSlug: "preview",
    build: { context },
  };
  const created = await post(api, "deploy.createDeployment", body, key);
  assert.equal(created.status, 201);
  const deploymentId = String(created.body.data?.["deploymentId"]);
  assert.deepEqual(api.workflows.calls, [`submit ${deploymentId}`]);

  const pending = await post(api, "deploy.getDeployment", { deploymentId }, key);
  assert.deepEqual([pending.status, pending.body.data], [200, { id: deploymentId, status: "PENDING" }]);
  await transact(api.db, (tx) =>
    saveBuildSlots(tx, [{
      deployment_id: deploymentId,
      workspace_id: tenant.workspaceId,
      state: "waiting",
      enqueued_at: 5,
      turn_at: 6,
      lease_until: null,
      ticket: 1,
      reported_ahead: 0,
    }]));
  await move(api, deploymentId, "queued");
  const queued = await post(api, "deploy.getDeployment", { deploymentId }, key);
  assert.deepEqual(queued.body.data, {
    id: deploymentId,
    status: "QUEUED",
    queue: { position: 1, blockerIds: [], blocker: "next in line", queuedAt: 5 },
  });
  await place(api, tenant, deploymentId);
  await move(api, deploymentId, "ready");
  await api.db.kysely.insertInto("frontline_routes").values({
    id: "ir_1",
    workspace_id: tenant.workspaceId,
    project_id: tenant.projectId,
    environment_id: "env",
    deployment_id: deploymentId,
    hostname: "shop-acme.localhost",
    sticky: "environment",
    created_at: 1,
    updated_at: 1,
  }).execute();
  const ready = await post(api, "deploy.getDeployment", { deploymentId }, key);
  assert.deepEqual(ready.body.data, {
    id: deploymentId,
    status: "READY",
    hostnames: ["shop-acme.localhost"],
  });
});
