import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { checkedFetch } from "../../api/rest/testing.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  type CreateDeploymentRequestSchema,
  DeploymentService,
} from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { refused, startApi } from "../testing.ts";

type Request = Exclude<
  MessageInitShape<typeof CreateDeploymentRequestSchema>,
  { readonly $typeName: string }
>;

const test = testOnCtrlDatabases();
const AT_ONCE = 50;

test("concurrent creates with one idempotency key make one deployment, by RPC and by REST", async (db) => {
  await using api = await startApi({}, db);
  const tenant = await api.tenant(newDnsName(10));
  const client = api.client(DeploymentService, tenant.rootKey);
  const idempotencyKey = newDnsName(10);
  const request = {
    projectId: tenant.projectId,
    environmentSlug: "production",
    branch: "main",
    source: { case: "dockerImage", value: "nginx:1.29" },
    idempotencyKey,
  } as const;
  const rest = async (): Promise<string> => {
    const { projectId, environmentSlug, branch } = request;
    const response = await checkedFetch(`${api.url}/v2/deploy.createDeployment`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${tenant.rootKey}`,
        "content-type": "application/json",
        "idempotency-key": idempotencyKey,
      },
      body: JSON.stringify({ projectId, environmentSlug, branch, image: request.source.value }),
    });
    const { data } = await response.json();
    assert.equal(response.status, 201);
    return data.deploymentId;
  };
  const rpc = async (): Promise<string> => (await client.createDeployment(request)).deploymentId;
  const ids = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, index) => index % 5 === 0 ? rest() : rpc()),
  );
  assert.equal(new Set(ids).size, 1);
  const { deployments } = await client.listDeployments({ projectId: tenant.projectId });
  assert.deepEqual(deployments.map(({ id }) => id), [ids[0]]);
  const { entries } = await api.client(AdminService, tenant.rootKey).listAuditLog({
    action: "deployment.create",
  });
  assert.equal(entries.length, 1);
});

test("concurrent creates with one key for two environments make one deployment, the other is refused", async (db) => {
  await using api = await startApi({}, db);
  const tenant = await api.tenant(newDnsName(10));
  const client = api.client(DeploymentService, tenant.rootKey);
  const request = {
    projectId: tenant.projectId,
    source: { case: "dockerImage", value: "nginx:1.29" },
    idempotencyKey: newDnsName(10),
  } as const;
  const outcomes = await Promise.allSettled(
    ["production", "preview", "production", "preview"].map((environmentSlug) =>
      client.createDeployment({ ...request, environmentSlug })
    ),
  );
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 2, JSON.stringify(outcomes));
  assert.equal((await client.listDeployments({ projectId: tenant.projectId })).deployments.length, 1);
});

Deno.test("an idempotency key is refused with another request, and belongs to its workspace", async (t) => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const client = api.client(DeploymentService, tenant.rootKey);
  const { project } = await api.client(AdminService, tenant.rootKey).createProject({ slug: "blog" });
  const request: Request = {
    projectId: tenant.projectId,
    environmentSlug: "production",
    source: { case: "dockerImage", value: "nginx:1.29" },
    gitCommit: { commitSha: "abc" },
    command: ["serve"],
    idempotencyKey: "once",
  };
  const { deploymentId } = await client.createDeployment(request);
  const changes: Record<string, Request> = {
    project: { projectId: project?.id ?? "" },
    environment: { environmentSlug: "preview" },
    branch: { branch: "feature" },
    image: { source: { case: "dockerImage", value: "nginx:1.30" } },
    commit: { gitCommit: { commitSha: "abd" } },
    command: { command: ["serve", "--fast"] },
    port: { port: 3000 },
    "health check": { healthCheckPath: "/health" },
  };
  for (const [name, change] of Object.entries(changes)) {
    await t.step(`another ${name}`, async () => {
      const call = client.createDeployment({ ...request, ...change });
      await refused(call, Code.InvalidArgument, /key was used before, with another request/);
    });
  }
  assert.equal((await client.createDeployment(request)).deploymentId, deploymentId);
  const foreign = await api.client(DeploymentService, other.rootKey)
    .createDeployment({ ...request, projectId: other.projectId });
  assert.notEqual(foreign.deploymentId, deploymentId);
});

/** MySQL takes both for one key, SQLite for two. */
test("an idempotency key has no blank at its ends, on any database", async (db) => {
  await using api = await startApi({}, db);
  const tenant = await api.tenant(newDnsName(10));
  const client = api.client(DeploymentService, tenant.rootKey);
  const create = (idempotencyKey: string) =>
    client.createDeployment({
      projectId: tenant.projectId,
      environmentSlug: "production",
      source: { case: "dockerImage", value: "nginx:1.29" },
      idempotencyKey,
    });
  const key = newDnsName(10);
  await create(key);
  for (const other of [`${key} `, ` ${key}`]) {
    await refused(create(other), Code.InvalidArgument, /^idempotency_key must not begin or end with white/);
  }
});
