import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  ClusterService,
  Health,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
  type SentinelState,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { FrontlineService, type RouteState } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import {
  assignRoutes,
  findDeployment,
  findSentinelOf,
  markRegionDown,
  stopTopology,
} from "../../internal/store/mod.ts";
import {
  clock,
  deployImage,
  failure,
  move,
  next,
  place,
  refused,
  sentinelToken,
  startApi,
  type Tenant,
  type TestApi,
} from "../testing.ts";

const REGION = "local.dev";

/** The next message that is not a heartbeat. */
async function state<T extends SentinelState | RouteState>(stream: AsyncIterator<T>): Promise<T> {
  for (;;) {
    const message = await next(stream);
    if (message.state.case !== "heartbeat") return message;
  }
}

async function environmentOf(api: TestApi, deploymentId: string): Promise<string> {
  return (await findDeployment(api.db.kysely, deploymentId))?.environment_id ?? "";
}

/** A deployment that runs in `regions`, as agents report it. */
async function running(
  api: TestApi,
  tenant: Tenant,
  { environment = "production", regions = [REGION] }: { environment?: string; regions?: string[] } = {},
): Promise<string> {
  const id = await deployImage(api, tenant, environment);
  await move(api, id, "deploying");
  const k8sName = (await findDeployment(api.db.kysely, id))?.k8s_name ?? "";
  for (const region of regions) {
    await place(api, tenant, id, region);
    const instance = { k8sName: `${k8sName}-0`, address: `${region}:80`, status: Status.RUNNING };
    await api.client(ClusterService, await api.regionToken(region)).reportDeploymentStatus({
      change: { case: "update", value: { k8sName, generation: 1n, instances: [instance] } },
    });
  }
  return id;
}

async function route(api: TestApi, tenant: Tenant, hostname: string, deploymentId: string): Promise<void> {
  const environmentId = await environmentOf(api, deploymentId);
  const outcome = await transact(api.db, (tx) =>
    assignRoutes(tx, {
      routes: [{ hostname, sticky: "branch" }],
      deploymentId,
      environmentId,
      projectId: tenant.projectId,
      workspaceId: tenant.workspaceId,
      nowMs: clock.now(),
    }));
  assert.equal(outcome.kind, "assigned");
}

function told({ state }: RouteState | SentinelState): unknown {
  switch (state.case) {
    case "applyRoute":
      return [state.case, state.value.hostname, state.value.deploymentId];
    case "applyEndpoints":
      return [state.case, state.value.deploymentId, state.value.endpoints.map(({ address }) => address)];
    case "snapshotEnd":
      return [state.case, state.value.resources];
    default:
      return [state.case];
  }
}

Deno.test("an agent gets its region's sentinels with their tokens, then changes, then the end", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const token = await sentinelToken(api, tenant);
  await sentinelToken(api, await api.tenant("globex"), { region: "us-east-1.aws" });
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const stream = agent.watchSentinels({ region: REGION, agentId: "krane-1" })[Symbol.asyncIterator]();
  const first = await state(stream);
  assert.ok(first.state.case === "apply");
  const { k8sName, image, replicas, cpuMillicores, memoryMib, sentinelId, environmentId } = first.state.value;
  assert.deepEqual(
    { image, replicas, cpuMillicores, memoryMib, token: first.state.value.token },
    { image: "unkey:1", replicas: 2, cpuMillicores: 256n, memoryMib: 256n, token },
  );
  assert.deepEqual(told(await state(stream)), ["snapshotEnd", 1], "no sentinel of another region");
  assert.deepEqual((await agent.getDesiredSentinelState({ sentinelId })).state, first.state);
  const other = api.client(ClusterService, await api.regionToken("us-east-1.aws"));
  await refused(other.getDesiredSentinelState({ sentinelId }), Code.NotFound, /not in this region/);

  const deployments = await api.db.kysely.selectFrom("deployments").select("id")
    .where("environment_id", "=", environmentId).execute();
  for (const { id } of deployments) {
    await transact(api.db, (tx) => stopTopology(tx, { deploymentId: id, nowMs: clock.now() }));
  }
  const end = await state(stream);
  assert.ok(end.state.case === "delete");
  assert.equal(end.state.value.k8sName, k8sName);
  await stream.return?.();
  const late = api.client(FrontlineService, token).watchRoutes({})[Symbol.asyncIterator]();
  await refused(next(late), Code.Unauthenticated, /revoked/);
  assert.ok(!api.lines.some((line) => line.includes(token)), "no token is logged");
});

Deno.test("reports tell how a sentinel is, from its region only, and nonsense is refused", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await running(api, tenant);
  await sentinelToken(api, tenant);
  const environmentId = await environmentOf(api, id);
  const row = async () => {
    const found = await findSentinelOf(api.db.kysely, environmentId, REGION);
    return [found?.health, found?.available_replicas, found?.k8s_address];
  };
  const { id: sentinelId = "", k8s_name: k8sName = "" } =
    await findSentinelOf(api.db.kysely, environmentId, REGION) ?? {};
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const report = {
    k8sName,
    availableReplicas: 2,
    health: Health.HEALTHY,
    generation: 2n,
    address: "10.0.0.1:8040",
  };
  const other = api.client(ClusterService, await api.regionToken("us-east-1.aws"));
  await other.reportSentinelStatus(report);
  assert.deepEqual(await row(), ["unknown", 0, `${k8sName}.sentinel.svc.cluster.local:8040`]);
  await agent.reportSentinelStatus(report);
  await agent.reportSentinelStatus({ ...report, generation: 1n, health: Health.UNHEALTHY });
  assert.deepEqual(await row(), ["healthy", 2, "10.0.0.1:8040"]);
  await agent.reportSentinelStatus({ ...report, k8sName: "nobody" });

  const error = "quota exceeded";
  const result = { resourceType: "sentinel", resourceId: sentinelId, version: 1n, error };
  await agent.acknowledge({ agentId: "a", appliedVersion: 0n, observedVersion: 1n, results: [result] });
  const status = async (key: string) => {
    const { regions } = await api.client(AdminService, key).getStatus({});
    const local = regions.find((each) => each.region === REGION);
    return [local?.desiredSentinels, local?.healthySentinels, local?.lastNackError];
  };
  assert.deepEqual(await status(tenant.rootKey), [1, 1, error]);
  assert.deepEqual(await status((await api.tenant("globex")).rootKey), [0, 0, ""]);
  for (const wrong of [{ k8sName: "" }, { availableReplicas: -1 }, { address: "http://x" }]) {
    const error = await failure(agent.reportSentinelStatus({ ...report, ...wrong }));
    assert.equal(error.code, Code.InvalidArgument, JSON.stringify(wrong));
  }
});

/** A proxy that somebody breaks into must not show them the other tenants. */
Deno.test("a sentinel's token shows its environment in its region and nothing else", async () => {
  await using api = await startApi();
  const [acme, globex] = [await api.tenant("acme"), await api.tenant("globex")];
  const own = await running(api, acme, { regions: [REGION, "us-east-1.aws"] });
  const preview = await running(api, acme, { environment: "preview" });
  const foreign = await running(api, globex);
  await route(api, acme, "own.test", own);
  await route(api, acme, "moving.test", own);
  await route(api, acme, "preview.test", preview);
  await route(api, globex, "foreign.test", foreign);
  const token = await sentinelToken(api, acme);
  const client = api.client(FrontlineService, token);
  // As the client of an edge would: with a cursor and a name.
  const stream = client.watchRoutes({ edgeId: "sentinel", versionLastSeen: 3n })[Symbol.asyncIterator]();
  const snapshot: unknown[] = [];
  while (true) {
    const message = told(await state(stream));
    snapshot.push(message);
    if (Array.isArray(message) && message[0] === "snapshotEnd") break;
  }
  assert.deepEqual(
    snapshot.map((each) => JSON.stringify(each)).sort(),
    [
      ["applyEndpoints", own, [`${REGION}:80`]],
      ["applyRoute", "moving.test", own],
      ["applyRoute", "own.test", own],
      ["snapshotEnd", 3],
    ].map((each) => JSON.stringify(each)).sort(),
  );

  // The other environments' changes pass unseen; what leaves this environment is gone.
  await route(api, globex, "foreign2.test", foreign);
  await route(api, acme, "preview2.test", preview);
  await route(api, acme, "moving.test", preview);
  assert.deepEqual(told(await state(stream)), ["deleteRoute"]);
  await route(api, acme, "moving.test", own);
  assert.deepEqual(told(await state(stream)), ["applyRoute", "moving.test", own]);
  await stream.return?.();

  await refused(client.acknowledgeRoutes({ edgeId: "x", appliedVersion: 1n }), Code.PermissionDenied, /edge/);
  const agents = await api.db.kysely.selectFrom("agents").select("agent_id").execute();
  assert.ok(!agents.some((each) => each.agent_id.includes("sentinel")), "no switch waits for a sentinel");
});

/** Only its own region's agent is silent: what the sentinel is next to may well be alive. */
Deno.test("a sentinel in a silent region keeps its instances, an edge does without them", async () => {
  await using api = await startApi();
  const acme = await api.tenant("acme");
  const own = await running(api, acme, { regions: [REGION, "us-east-1.aws"] });
  await route(api, acme, "own.test", own);
  const token = await sentinelToken(api, acme);
  const silent = { region: REGION, heardSinceMs: clock.now() + 1_000, nowMs: clock.now() };
  assert.ok(await transact(api.db, (tx) => markRegionDown(tx, silent)));
  const endpoints = async (token: string) => {
    const stream = api.client(FrontlineService, token).watchRoutes({ edgeId: "x" })[Symbol.asyncIterator]();
    for (;;) {
      const message = await state(stream);
      if (message.state.case !== "applyEndpoints") continue;
      await stream.return?.();
      return told(message);
    }
  };
  assert.deepEqual(await endpoints(token), ["applyEndpoints", own, [`${REGION}:80`]]);
  assert.deepEqual(await endpoints(await api.regionToken("*")), ["applyEndpoints", own, [
    "us-east-1.aws:80",
  ]]);
});
