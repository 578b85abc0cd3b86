import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { checkedFetch } from "../../api/rest/testing.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { moveStatus } from "../../internal/store/mod.ts";
import {
  clock,
  deployImage,
  eachRefused,
  eventually,
  failure,
  next,
  refused,
  SERVICE_TOKEN,
  startApi,
  type Tenant,
  type TestApi,
} from "../testing.ts";

/** An operator sets a limit of a tenant. */
async function set(api: TestApi, { workspaceId }: Tenant, name: string, value?: number): Promise<void> {
  const order = value === undefined ? {} : { value: BigInt(value) };
  await api.client(AdminService, SERVICE_TOKEN).setLimit({ workspaceId, name, ...order });
}

Deno.test("listLimits() shows each limit and its use, of the caller's workspace only", async () => {
  await using api = await startApi();
  const [acme, globex] = [await api.tenant("acme"), await api.tenant("globex")];
  await set(api, acme, "projects", 7);
  const admin = api.client(AdminService, acme.rootKey);
  const shown = async (): Promise<Record<string, unknown>> => {
    const { limits } = await admin.listLimits({});
    return Object.fromEntries(limits.map(({ name, value, used, isSet }) => [name, [used, value, isSet]]));
  };
  assert.deepEqual(await shown(), {
    projects: [1n, 7n, true],
    environments: [2n, 1_000n, false],
    variables: [0n, 10_000n, false],
    deployments_active: [0n, 100n, false],
    deployments_per_hour: [0n, 2_000n, false],
    runs: [0n, 20n, false],
    scaled_instances: [0n, 200n, false],
    streams: [0n, 200n, false],
    builds: [undefined, undefined, false],
    uploads: [0n, 100n, false],
    upload_bytes: [0n, 104_857_600n, false],
  });
  await set(api, acme, "projects");
  assert.deepEqual((await shown())["projects"], [1n, 100n, false]);
  await refused(admin.listLimits({ workspaceId: globex.workspaceId }), Code.NotFound, /Workspace/);
  const operator = api.client(AdminService, SERVICE_TOKEN);
  assert.equal((await operator.listLimits({ workspaceId: "globex" })).limits.length, 11);
});

Deno.test("setLimit() is for operators, refuses what is no limit, and is in the audit log", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const { workspaceId } = tenant;
  await eachRefused(t, [
    [
      "a name",
      () => operator.setLimit({ workspaceId, name: "nodes" }),
      Code.InvalidArgument,
      /^name must be one of projects/,
    ],
    [
      "a negative value",
      () => operator.setLimit({ workspaceId, name: "projects", value: -1n }),
      Code.InvalidArgument,
      /^value must be a whole number/,
    ],
    [
      "a workspace",
      () => operator.setLimit({ workspaceId: "ws_x", name: "projects" }),
      Code.NotFound,
      /Workspace/,
    ],
    [
      "a root key",
      () => api.client(AdminService, tenant.rootKey).setLimit({ workspaceId, name: "projects" }),
      Code.PermissionDenied,
      /./,
    ],
  ]);
  await set(api, tenant, "builds", 3);
  const { entries: [entry] } = await operator.listAuditLog({ workspaceId, action: "workspace.set_limit" });
  assert.equal(entry?.factsJson, '{"limit":"builds","value":3}');
});

Deno.test("more than a limit allows is refused, counted and changes nothing", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const admin = api.client(AdminService, tenant.rootKey);
  const environments = api.client(EnvironmentService, tenant.rootKey);
  const { projectId } = tenant;

  await t.step("projects, also of calls at the same time", async () => {
    await set(api, tenant, "projects", 3);
    const slugs = ["a", "b", "c", "d", "e"];
    const made = await Promise.allSettled(slugs.map((slug) => admin.createProject({ slug })));
    assert.equal(made.filter(({ status }) => status === "fulfilled").length, 2);
    const more = admin.createProject({ slug: "one-more" });
    await refused(
      more,
      Code.ResourceExhausted,
      /has 3 projects, and 3 are allowed\. Remove .*"unkey limits"/,
    );
  });

  await t.step("environments", async () => {
    await set(api, tenant, "environments", 7);
    await environments.createEnvironment({ projectId, slug: "qa" });
    const more = environments.createEnvironment({ projectId, slug: "qa2" });
    await refused(more, Code.ResourceExhausted, /has 7 environments of all projects, and 7 are allowed/);
  });

  await t.step("variables, of which those that are changed are no new ones", async () => {
    await set(api, tenant, "variables", 2);
    const give = (variables: Record<string, string>) =>
      admin.setEnvironmentVariables({ projectId, environmentSlug: "qa", variables });
    await give({ A: "1", B: "2" });
    await give({ A: "3" });
    await refused(give({ C: "4" }), Code.ResourceExhausted, /has 2 variables of all environments/);
  });

  await t.step("deployments at once, and within an hour", async () => {
    await set(api, tenant, "deployments_active", 1);
    const first = await deployImage(api, tenant);
    const more = await failure(deployImage(api, tenant, "preview"));
    assert.equal(more.code, Code.ResourceExhausted);
    assert.match(
      more.rawMessage,
      /has 1 deployments that wait, build or start at once, and 1 are allowed\. Wait/,
    );
    assert.equal(more.metadata.get("retry-after"), "30");
    await transact(
      api.db,
      (tx) => moveStatus(tx, { id: first, from: ["pending"], to: "failed", nowMs: clock.now() }),
    );
    await set(api, tenant, "deployments_per_hour", 2);
    await deployImage(api, tenant, "preview");
    await set(api, tenant, "deployments_active");
    const third = await failure(deployImage(api, tenant));
    assert.match(third.rawMessage, /has 2 deployments within an hour, and 2 are allowed/);
    const seconds = Number(third.metadata.get("retry-after"));
    assert.ok(seconds > 3_500 && seconds <= 3_600, String(seconds));
  });

  await t.step("deployments by REST", async () => {
    const response = await checkedFetch(`${api.url}/v2/deploy.createDeployment`, {
      method: "POST",
      headers: { authorization: `Bearer ${tenant.rootKey}`, "content-type": "application/json" },
      body: JSON.stringify({
        projectId,
        branch: "main",
        environmentSlug: "production",
        image: "nginx:1.29",
      }),
    });
    const { error } = await response.json();
    assert.equal(response.status, 429, JSON.stringify(error));
    assert.match(error.detail, /within an hour/);
    assert.ok(Number(response.headers.get("retry-after")) > 3_500);
  });
});

Deno.test("an idempotency key that is sent again gets its deployment although the limit is reached", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  await set(api, tenant, "deployments_active", 1);
  const create = () =>
    api.client(DeploymentService, tenant.rootKey).createDeployment({
      projectId: tenant.projectId,
      environmentSlug: "production",
      idempotencyKey: "once",
      source: { case: "dockerImage", value: "nginx:1.29" },
    });
  const { deploymentId } = await create();
  assert.equal((await create()).deploymentId, deploymentId);
});

Deno.test("streams of a workspace are counted while they are open", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const deploymentId = await deployImage(api, tenant);
  await set(api, tenant, "streams", 1);
  const client = api.client(DeploymentService, tenant.rootKey);
  const stop = new AbortController();
  const open = client.watchDeploymentEvents({ deploymentId }, { signal: stop.signal })
    [Symbol.asyncIterator]();
  await next(open);
  const second = next(client.watchDeploymentEvents({ deploymentId })[Symbol.asyncIterator]());
  await refused(second, Code.ResourceExhausted, /has 1 open streams .*End commands/);
  stop.abort();
  await open.next().catch((error: unknown) => assert.ok(error instanceof ConnectError));
  await eventually("the place of the stream that ended", async () => {
    const again = client.watchDeploymentEvents({ deploymentId })[Symbol.asyncIterator]();
    const event = await next(again).catch((error: unknown) => {
      assert.equal(ConnectError.from(error).code, Code.ResourceExhausted);
    });
    return event !== undefined;
  });
});
