import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { OpenApiService } from "../../../../proto/gen/ctrl/v1/openapi_pb.ts";
import { callRest } from "../../api/rest/testing.ts";
import { saveOpenApi } from "../../internal/store/mod.ts";
import { deployImage, eachRefused, startApi, type Tenant, type TestApi } from "../testing.ts";

async function withDocument(api: TestApi, tenant: Tenant, text: string, problem = ""): Promise<string> {
  const deploymentId = await deployImage(api, tenant);
  await saveOpenApi(api.db.kysely, {
    deploymentId,
    workspaceId: tenant.workspaceId,
    path: "/openapi.json",
    body: text === "" ? undefined : new TextEncoder().encode(text),
    problem,
    version: "3.1.0",
    operations: 1,
    readAtMs: 1,
  });
  return deploymentId;
}

const operation = (type: string) => ({
  operationId: "getPet",
  parameters: [{ name: "id", in: "path", required: true, schema: { type } }],
});
const document = (type: string) =>
  JSON.stringify({ openapi: "3.1.0", paths: { "/pets/{id}": { get: operation(type) } } });

Deno.test("documents of two deployments are compared, over RPC and REST alike", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const former = await withDocument(api, tenant, document("string"));
  const current = await withDocument(api, tenant, "openapi: 3.1.0\npaths:\n  /pets/{id}: { get: {} }\n");
  const narrow = await withDocument(api, tenant, document("integer"));
  const client = api.client(OpenApiService, tenant.rootKey);
  const diff = await client.getOpenApiDiff({ oldDeploymentId: former, newDeploymentId: narrow });
  assert.deepEqual(
    [diff.hasBreakingChanges, diff.summary?.diff, diff.summary?.details?.endpoints?.modified],
    [
      true,
      true,
      1,
    ],
  );
  const [change] = diff.changes;
  assert.deepEqual([change?.id, change?.level, change?.operation, change?.operationId, change?.path], [
    "request-parameter-type-changed",
    3,
    "GET",
    "getPet",
    "/pets/{id}",
  ]);
  const rest = await callRest(
    api.url,
    "getOpenApiDiff",
    { oldDeploymentId: former, newDeploymentId: narrow },
    tenant.rootKey,
  );
  assert.deepEqual([rest.status, rest.data["breaking"], rest.at("changes", 0, "text")], [
    200,
    true,
    change?.text,
  ]);
  const yaml = await client.getOpenApiDiff({ oldDeploymentId: former, newDeploymentId: current });
  assert.deepEqual(yaml.changes.map(({ id }) => id), ["request-parameter-removed"]);
  const same = await client.getOpenApiDiff({ oldDeploymentId: former, newDeploymentId: former });
  assert.deepEqual([same.summary?.diff, same.hasBreakingChanges, same.changes], [false, false, []]);
});

/** 5,000 paths that are one item with 4,000 properties. */
function largeDocument(type: string): string {
  const properties = Object.fromEntries(Array.from({ length: 4_000 }, (_, at) => [`p${at}`, { type }]));
  const operation = { requestBody: { content: { "application/json": { schema: { properties } } } } };
  const paths = Array.from({ length: 5_000 }, (_, at) => [`/${at}`, { $ref: "#/x" }]);
  return JSON.stringify({ openapi: "3.1.0", paths: Object.fromEntries(paths), x: { post: operation } });
}

Deno.test("documents whose comparison would hold up the api are refused, with the reason", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const ownParts = { allOf: Array.from({ length: 30 }, () => ({ $ref: "#/components/schemas/A" })) };
  const answer = { content: { "application/json": { schema: { $ref: "#/components/schemas/A" } } } };
  const parts = await withDocument(
    api,
    tenant,
    JSON.stringify({
      openapi: "3.1.0",
      paths: { "/a": { get: { responses: { 200: answer } } } },
      components: { schemas: { A: ownParts } },
    }),
  );
  const client = api.client(OpenApiService, tenant.rootKey);
  const same = await client.getOpenApiDiff({ oldDeploymentId: parts, newDeploymentId: parts });
  assert.deepEqual([same.summary?.diff, same.changes], [false, []]);
  const [former, current] = [
    await withDocument(api, tenant, largeDocument("string")),
    await withDocument(api, tenant, largeDocument("number")),
  ];
  const request = { oldDeploymentId: former, newDeploymentId: current };
  await eachRefused(t, [
    [
      "too large",
      () => client.getOpenApiDiff(request),
      Code.FailedPrecondition,
      /are too large to compare: /,
    ],
  ]);
  assert.equal((await callRest(api.url, "getOpenApiDiff", request, tenant.rootKey)).status, 412);
});

Deno.test("a comparison needs both documents, and the permission to read both deployments", async (t) => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const known = await withDocument(api, tenant, document("string"));
  const foreign = await withDocument(api, other, document("string"));
  const refused = await withDocument(api, tenant, "", '"/openapi.json" is answered with 404.');
  const silent = await deployImage(api, tenant);
  const { key } = await api.client(AdminService, tenant.rootKey).createRootKey({
    permissions: ["project.*.read_logs"],
  });
  const call = (oldDeploymentId: string, newDeploymentId: string, rootKey = tenant.rootKey) => () =>
    api.client(OpenApiService, rootKey).getOpenApiDiff({ oldDeploymentId, newDeploymentId });
  await eachRefused(t, [
    ["no former", call("", known), Code.InvalidArgument, /old_deployment_id is required/],
    ["no current", call(known, ""), Code.InvalidArgument, /new_deployment_id is required/],
    ["a missing one", call("d_missing", known), Code.NotFound, /"d_missing" was not found/],
    ["another workspace's", call(known, foreign), Code.NotFound, /was not found/],
    ["one without a path", call(known, silent), Code.NotFound, /Set "openapiPath" in unkey.json/],
    ["one that was refused", call(known, refused), Code.NotFound, /answered with 404\. Deploy again/],
    ["a weak key", call(known, known, key), Code.PermissionDenied, /read_deployment/],
  ]);
});
