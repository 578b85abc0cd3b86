import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  ClusterService,
  type DeploymentState,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { FrontlineService, type RouteState } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { createVersioningSteps } from "../../worker/versioning/steps.ts";
import { findDeployment, markRegionDown, stopTopology } from "../../internal/store/mod.ts";
import {
  clock,
  deployImage,
  move,
  next,
  place,
  refused,
  startApi,
  type Tenant,
  type TestApi,
} from "../testing.ts";

const REGION = "local.dev";

/** A deployment in its region, as the worker leaves it when it begins to wait. */
async function placed(api: TestApi, tenant: Tenant): Promise<{ id: string; k8sName: string }> {
  const id = await deployImage(api, tenant);
  await move(api, id, "deploying");
  await place(api, tenant, id, REGION);
  return { id, k8sName: (await findDeployment(api.db.kysely, id))?.k8s_name ?? "" };
}

/** The next message that is not a heartbeat. */
async function state<T extends DeploymentState | RouteState>(stream: AsyncIterator<T>): Promise<T> {
  for (;;) {
    const message = await next(stream);
    if (message.state.case !== "heartbeat") return message;
  }
}

Deno.test("an agent gets its region's deployments with decrypted variables, then changes, then the stop", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  await api.client(AdminService, tenant.rootKey).setEnvironmentVariables({
    projectId: tenant.projectId,
    environmentSlug: "production",
    variables: { TOKEN: "s3cret", EMPTY: "" },
  });
  const first = await placed(api, tenant);
  const commit = { git_commit_sha: "0a1b2c3", git_commit_author_handle: "ada" };
  await api.db.kysely.updateTable("deployments").set(commit).where("id", "=", first.id).execute();
  const elsewhere = await deployImage(api, tenant);
  await place(api, tenant, elsewhere, "us-east-1.aws");
  const client = api.client(ClusterService, await api.regionToken(REGION));
  const stream = client.watchDeployments({ region: REGION, agentId: "krane-1" })[Symbol.asyncIterator]();
  const { state: apply, version } = await state(stream);
  assert.equal(apply.case, "apply");
  assert.deepEqual({ ...apply.value.environmentVariables }, { TOKEN: "s3cret", EMPTY: "" });
  const { gitCommitSha, gitBranch, gitCommitAuthorHandle } = apply.value;
  assert.deepEqual([gitCommitSha, gitBranch, gitCommitAuthorHandle], ["0a1b2c3", "main", "ada"]);
  const { deploymentId, k8sName, image, replicas, port, memoryMib, pidsMax } = apply.value;
  assert.deepEqual(
    { deploymentId, k8sName, image, replicas, port, memoryMib, pidsMax },
    {
      deploymentId: first.id,
      k8sName: first.k8sName,
      image: "nginx:1.29",
      replicas: 1,
      port: 8080,
      memoryMib: 256n,
      pidsMax: 1024,
    },
  );
  const end = await state(stream);
  assert.deepEqual([end.state.case, end.version], ["snapshotEnd", version]);
  const single = await client.getDesiredDeploymentState({ deploymentId: first.id });
  assert.deepEqual(single.state, apply, "both reads say the same");
  await refused(client.getDesiredDeploymentState({ deploymentId: elsewhere }), Code.NotFound, /not placed/);

  await transact(api.db, (tx) => stopTopology(tx, { deploymentId: first.id, nowMs: clock.now() }));
  const stop = await state(stream);
  assert.deepEqual([stop.state.case, stop.version], ["delete", version + 1n]);
  await stream.return?.();

  const resumed = client.watchDeployments({ region: REGION, versionLastSeen: version })
    [Symbol.asyncIterator]();
  const again = await state(resumed);
  assert.deepEqual([again.state.case, again.version], ["delete", version + 1n], "no snapshot comes again");
  await resumed.return?.();
});

/** One stolen token must not open every region. */
Deno.test("a region's token reads and reports that region only", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, k8sName } = await placed(api, tenant);
  const other = api.client(ClusterService, await api.regionToken("us-east-1.aws"));
  await refused(
    next(other.watchDeployments({ region: REGION })[Symbol.asyncIterator]()),
    Code.PermissionDenied,
    /region/,
  );
  await refused(
    next(other.watchSentinels({ region: REGION })[Symbol.asyncIterator]()),
    Code.PermissionDenied,
    /region/,
  );
  await refused(
    next(other.watchSentinels({})[Symbol.asyncIterator]()),
    Code.InvalidArgument,
    /region is required/,
  );
  await refused(other.getDesiredDeploymentState({ deploymentId: id }), Code.NotFound, /not placed/);
  const header = { headers: { "x-krane-region": REGION } };
  await refused(other.acknowledge({ agentId: "a" }, header), Code.PermissionDenied, /region/);
  await other.reportDeploymentStatus(report(k8sName, 1n, Status.RUNNING));
  await other.reportInstanceLogs({
    deploymentId: id,
    lines: [{ instance: "x", timeNs: 1n, stream: "stdout", text: "x" }],
  });
  const { deployment } = await api.client(DeploymentService, tenant.rootKey).getDeployment({
    deploymentId: id,
  });
  assert.equal(deployment?.runningInstances, 0);
  assert.deepEqual(await api.db.kysely.selectFrom("instance_logs").selectAll().execute(), []);
});

function report(k8sName: string, generation: bigint, status: Status, address = "127.0.0.1:32768") {
  const instance = {
    k8sName: `${k8sName}-0`,
    address,
    status,
    cpuMillicores: 256n,
    memoryMib: 256n,
    reason: status === Status.FAILED ? "crash_loop" : "",
    lastLogLines: ["boom"],
  };
  return { change: { case: "update" as const, value: { k8sName, generation, instances: [instance] } } };
}

Deno.test("a report wakes the workflow, and its endpoints reach the edges", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, k8sName } = await placed(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const edge = api.client(FrontlineService, await api.regionToken("*"));
  const routes = edge.watchRoutes({ edgeId: "edge-1" })[Symbol.asyncIterator]();
  assert.equal((await state(routes)).state.case, "snapshotEnd");
  api.workflows.calls.length = 0;

  await agent.reportDeploymentStatus(report(k8sName, 1n, Status.RUNNING));
  assert.deepEqual(api.workflows.calls, [`instances ${id}`]);
  const up = await state(routes);
  assert.deepEqual(endpoints(up), [id, ["127.0.0.1:32768"]]);

  await agent.reportDeploymentStatus(report(k8sName, 1n, Status.FAILED));
  assert.deepEqual(api.workflows.calls, [`instances ${id}`], "a report that is not newer changes nothing");
  await agent.reportDeploymentStatus(report(k8sName, 2n, Status.FAILED));
  assert.deepEqual(endpoints(await state(routes)), [id, []]);
  await agent.reportDeploymentStatus(report(k8sName, 3n, Status.RUNNING, "127.0.0.1:40000"));
  const moved = await state(routes);
  assert.deepEqual(endpoints(moved), [id, ["127.0.0.1:40000"]]);
  await agent.reportDeploymentStatus({ change: { case: "delete", value: { k8sName, generation: 4n } } });
  assert.deepEqual(endpoints(await state(routes)), [id, []]);
  await routes.return?.();
  await edge.acknowledgeRoutes({ edgeId: "edge-1", appliedVersion: moved.version });
});

function endpoints({ state }: RouteState): unknown {
  assert.equal(state.case, "applyEndpoints");
  return [state.value.deploymentId, state.value.endpoints.map(({ address }) => address)];
}

Deno.test("reports are harmless where nothing is known, and refused where they make no sense", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { k8sName } = await placed(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  await agent.reportDeploymentStatus(report("unknown", 1n, Status.RUNNING));
  await agent.reportDeploymentStatus({});
  await agent.reportSentinelStatus({ k8sName: "s" });
  await refused(agent.getDesiredSentinelState({ sentinelId: "s" }), Code.NotFound, /Sentinel/);
  for (const address of ["nonsense", "host:", "a b:80", "http://x:80"]) {
    await refused(
      agent.reportDeploymentStatus(report(k8sName, 1n, Status.RUNNING, address)),
      Code.InvalidArgument,
      /address/,
    );
  }
  await refused(
    agent.reportDeploymentStatus(report("", 1n, Status.RUNNING)),
    Code.InvalidArgument,
    /k8s_name/,
  );
  // The deployment stands even when nobody can be woken.
  api.workflows.fail = true;
  await agent.reportDeploymentStatus(report(k8sName, 2n, Status.RUNNING));
});

Deno.test("acknowledgements and NACKs show in the status, others' only without details", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const { id } = await placed(api, own);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  await agent.acknowledge({
    agentId: "krane-1",
    appliedVersion: 0n,
    observedVersion: 1n,
    results: [{ resourceType: "deployment", resourceId: id, version: 1n, error: "image is too large" }],
  });
  const status = async (key: string) => {
    const { regions } = await api.client(AdminService, key).getStatus({});
    const region = regions.find((each) => each.region === REGION);
    assert.ok(region !== undefined);
    return region;
  };
  const mine = await status(own.rootKey);
  assert.deepEqual([mine.desiredVersion, mine.desiredInstances, mine.lastNackResource, mine.lastNackError], [
    1n,
    1,
    id,
    "image is too large",
  ]);
  assert.deepEqual(
    mine.agents.map(({ agentId, alive, observedVersion }) => [agentId, alive, observedVersion]),
    [
      ["local.dev:krane-1", true, 1n],
    ],
  );
  const { createdAt } = await api.db.kysely.selectFrom("state_changes").select("created_at as createdAt")
    .where("region", "=", REGION).executeTakeFirstOrThrow();
  assert.deepEqual([mine.waitingSince, mine.silentSince], [BigInt(createdAt), 0n]);
  const theirs = await status(other.rootKey);
  assert.deepEqual([theirs.desiredInstances, theirs.lastNackResource, theirs.lastNackError], [0, "", ""]);
  await refused(agent.acknowledge({ agentId: "" }), Code.InvalidArgument, /agent_id/);

  await agent.acknowledge({ agentId: "krane-1", appliedVersion: 1n, observedVersion: 1n });
  const silence = { region: REGION, heardSinceMs: clock.now() + 60_000, nowMs: 7 };
  await transact(api.db, (tx) => markRegionDown(tx, silence));
  const caughtUp = await status(own.rootKey);
  assert.deepEqual([caughtUp.waitingSince, caughtUp.silentSince], [0n, 7n]);
});

Deno.test("output of instances is streamed from its tail on, and repeated batches come once", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id } = await placed(api, tenant);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const line = (timeNs: bigint, text: string, instance = "i-1") => ({
    instance,
    timeNs,
    ordinal: 0,
    stream: "stdout",
    text,
  });
  const batch = {
    deploymentId: id,
    lines: [line(1_000_000n, "one"), line(2_000_000n, "two"), line(3_000_000n, "three")],
  };
  await agent.reportInstanceLogs(batch);
  await agent.reportInstanceLogs(batch);
  const client = api.client(DeploymentService, tenant.rootKey);
  const texts: string[] = [];
  for await (const { message } of client.streamInstanceLogs({ deploymentId: id, tail: 2 })) {
    if (message.case === "line") texts.push(`${message.value.time} ${message.value.text}`);
  }
  assert.deepEqual(texts, ["2 two", "3 three"]);

  const follow = (tail: number) => {
    const stream = client.streamInstanceLogs({ deploymentId: id, tail, follow: true })
      [Symbol.asyncIterator]();
    const lineOf = async (): Promise<string> => {
      const { message } = await next(stream);
      return message.case === "line" ? message.value.text : await lineOf();
    };
    return { lineOf, close: () => stream.return?.() };
  };
  const [gone, one, other] = [follow(1), follow(1), follow(2)];
  assert.equal(await other.lineOf(), "two");
  for (const each of [gone, one, other]) assert.equal(await each.lineOf(), "three");
  await gone.close();
  // An instance that is shipped late is not lost because another one is ahead.
  await agent.reportInstanceLogs({
    deploymentId: id,
    lines: [line(1n, "late", "i-2"), line(4_000_000n, "four")],
  });
  for (const each of [one, other]) {
    assert.deepEqual([await each.lineOf(), await each.lineOf()], ["late", "four"]);
    await each.close();
  }
  await refused(
    agent.reportInstanceLogs({ deploymentId: id, lines: [{ ...line(1n, "x"), stream: "x" }] }),
    Code.InvalidArgument,
    /stream/,
  );
});

/** What is compacted is gone for good, so that a stream must say what is instead of what changed. */
Deno.test("an agent whose cursor is older than what compaction kept begins anew, a younger one goes on", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const ids = [await placed(api, tenant), await placed(api, tenant), await placed(api, tenant)].map((
    { id },
  ) => id);
  const keepMs = 3_600_000;
  const later = { ...clock, now: () => clock.now() + 2 * keepMs };
  const steps = createVersioningSteps({ db: api.db, clock: later, keepMs, keepVersions: 1 });
  assert.deepEqual([await steps.version(REGION), await steps.compact(REGION)], [3, 2]);
  const client = api.client(ClusterService, await api.regionToken(REGION));
  const told = async (versionLastSeen: bigint, count: number) => {
    const stream = client.watchDeployments({ region: REGION, agentId: "krane-1", versionLastSeen })
      [Symbol.asyncIterator]();
    const messages = [];
    while (messages.length < count) messages.push(await state(stream));
    await stream.return?.();
    return messages.map(({ state, version }) =>
      state.case === "apply" ? ids.indexOf(state.value.deploymentId) : `${state.case} ${version}`
    );
  };
  assert.deepEqual(await told(1n, 4), [0, 1, 2, "snapshotEnd 3"]);
  assert.deepEqual(await told(2n, 1), [2], "nothing that follows it is gone");
});
