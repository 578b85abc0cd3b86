/** Runs: wanted, sent to one region's agent, reported by it, and ended once. */
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import {
  type ApplyDeployment,
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { RunState } from "../../../../proto/gen/ctrl/v1/run_pb.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { callRest } from "../../api/rest/testing.ts";
import { sweepRuns } from "../../api/tasks/run_sweeper.ts";
import { findDeployment, listTasks, setWorkspaceLimit, stopTopology } from "../../internal/store/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  clock,
  eachRefused,
  eventually,
  move,
  refused,
  startApi,
  type Tenant,
  type TestApi,
} from "../testing.ts";
import { environmentOf, REGION, runNew } from "../testing_agents.ts";
import { setLive } from "../testing_lifecycle.ts";

const COMMAND = ["npm", "run", "seed"];

/** A ready deployment with an agent, and a client of each side. */
async function bed(api: TestApi, tenant: Tenant) {
  const id = await runNew(api, tenant);
  await move(api, id, "ready");
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const client = api.client(DeploymentService, tenant.rootKey);
  const k8sName = (await findDeployment(api.db.kysely, id))?.k8s_name ?? "";
  let generation = 10n;
  const report = async (name: string, status: Status, end: { exitCode?: number; reason?: string } = {}) => {
    const instance = { k8sName: `${k8sName}-${name}`, status, lastLogLines: ["last"], ...end };
    const update = { k8sName, generation: ++generation, instances: [], tasks: [{ name, instance }] };
    await agent.reportDeploymentStatus({ change: { case: "update", value: update } });
  };
  const desired = async (): Promise<ApplyDeployment> => {
    const { state } = await agent.getDesiredDeploymentState({ deploymentId: id });
    assert.ok(state.case === "apply");
    return state.value;
  };
  const create = async (changes: { readonly idempotencyKey?: string; readonly region?: string } = {}) => {
    const { run } = await client.createRun({ deploymentId: id, command: COMMAND, ...changes });
    assert.ok(run !== undefined);
    return run;
  };
  const look = async (runId: string) => (await client.getRun({ runId })).run;
  return { id, client, report, desired, create, look };
}

Deno.test("a run reaches its region's agent beside the instances, and its end takes it away", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, client, report, desired, create, look } = await bed(api, tenant);
  const run = await create();
  assert.deepEqual([run.state, run.region, run.deploymentId], [RunState.STARTING, REGION, id]);
  const { replicas, tasks: [task] } = await desired();
  assert.deepEqual([replicas, task?.command, task?.timeoutSeconds], [1, COMMAND, 3_600]);
  const name = task?.name ?? "";
  await report(name, Status.RUNNING);
  assert.equal((await desired()).tasks[0]?.isStarted, true, "it is never started a second time");
  const running = await look(run.id);
  assert.deepEqual([running?.state, running?.instance.endsWith(name)], [RunState.RUNNING, true]);
  await report(name, Status.ENDED, { exitCode: 3 });
  const ended = await look(run.id);
  assert.deepEqual([ended?.state, ended?.exitCode, ended?.lastLogLines], [RunState.FAILED, 3, ["last"]]);
  assert.deepEqual((await desired()).tasks, []);
  assert.equal((await listTasks(api.db.kysely, [id])).size, 0, "it is not read again");
  const cancelled = await client.cancelRun({ runId: run.id });
  assert.equal(cancelled.run?.state, RunState.FAILED, "an end is final");
  const changes = await api.db.kysely.selectFrom("state_changes").selectAll().where("region", "=", REGION)
    .where("resource_id", "=", id).execute();
  assert.equal(changes.length, 3, "the placement, the run, and its end");
});

Deno.test("a run takes the live deployment of an environment, and a key makes it once", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, client } = await bed(api, tenant);
  const place = { projectId: tenant.projectId, environmentSlug: "production", command: COMMAND };
  await refused(client.createRun(place), Code.FailedPrecondition, /has no live deployment/);
  await setLive(api, await environmentOf(api, id), undefined, id);
  const [first, second] = await Promise.all(
    [1, 2].map(() => client.createRun({ ...place, idempotencyKey: "k" })),
  );
  assert.equal(first?.run?.id, second?.run?.id);
  assert.equal(first?.run?.deploymentId, id);
  const { runs } = await client.listRuns({ environmentSlug: "production" });
  assert.deepEqual(runs.map((each) => [each.id, each.createdBy]), [[first?.run?.id, ""]]);
  const { entries } = await api.client(AdminService, tenant.rootKey).listAuditLog({ action: "run.create" });
  assert.deepEqual(entries.map((each) => each.resourceId), [first?.run?.id]);
});

Deno.test("a cancelled run is over, and a later report changes nothing", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { client, report, desired, create, look } = await bed(api, tenant);
  const run = await create();
  const name = (await desired()).tasks[0]?.name ?? "";
  await report(name, Status.RUNNING);
  for (let times = 0; times < 2; times++) {
    assert.equal((await client.cancelRun({ runId: run.id })).run?.state, RunState.CANCELLED);
  }
  assert.deepEqual((await desired()).tasks, [], "its agent stops it");
  await report(name, Status.ENDED, { exitCode: 0 });
  assert.equal((await look(run.id))?.state, RunState.CANCELLED);
});

Deno.test("a run ends with its deployment, and an agent's words are its state", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, report, desired, create, look } = await bed(api, tenant);
  for (
    const [reason, status, state] of [
      ["timed_out", Status.ENDED, RunState.TIMED_OUT],
      ["lost", Status.FAILED, RunState.LOST],
      ["image_pull", Status.FAILED, RunState.FAILED],
    ] as const
  ) {
    await t.step(reason, async () => {
      const run = await create();
      await report((await desired()).tasks[0]?.name ?? "", status, { reason });
      assert.equal((await look(run.id))?.state, state);
    });
  }
  const run = await create();
  await transact(api.db, (tx) => stopTopology(tx, { deploymentId: id, nowMs: clock.now() }));
  const ended = await look(run.id);
  assert.deepEqual([ended?.state, ended?.reason], [RunState.FAILED, "deployment_stopped"]);
  await move(api, id, "stopped");
  await refused(create(), Code.FailedPrecondition, /is stopped: "unkey start/);
});

Deno.test("a run that nothing is heard of is given up, also after its agent had it", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { report, desired, create, look } = await bed(api, tenant);
  const [waiting, running] = [await create(), await create()];
  const names = new Map(
    (await api.db.kysely.selectFrom("deployment_tasks").select(["run_id", "name"]).execute())
      .map((row) => [row.run_id, row.name]),
  );
  await report(names.get(running.id) ?? "", Status.RUNNING);
  await api.db.kysely.updateTable("deployment_tasks").set({ deadline_at: 1 }).where("run_id", "is not", null)
    .execute();
  const stop = new AbortController();
  const notifier = { changed: () => undefined };
  const sweeps = sweepRuns({ db: api.db, clock, log: silentLogger(), notifier }, stop.signal);
  await eventually("both to be over", async () => {
    const states = await Promise.all([look(waiting.id), look(running.id)]);
    return states[0]?.reason === "not_started" && states[1]?.state === RunState.LOST;
  });
  stop.abort();
  await sweeps;
  assert.deepEqual((await desired()).tasks, [], "no agent starts it later");
});

Deno.test("createRun() refuses what does not run, and what others have", async (t) => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const { id, client, create } = await bed(api, tenant);
  const { key } = await api.client(AdminService, tenant.rootKey).createRootKey({
    permissions: ["project.*.read_deployment"],
  });
  const starting = await runNew(api, tenant);
  const stranger = api.client(DeploymentService, other.rootKey);
  const run = await create();
  const at = { deploymentId: id, command: COMMAND };
  await eachRefused(t, [
    [
      "no command",
      () => client.createRun({ deploymentId: id }),
      Code.InvalidArgument,
      /^command must not be empty/,
    ],
    [
      "no place",
      () => client.createRun({ command: COMMAND }),
      Code.InvalidArgument,
      /^project_id is required/,
    ],
    [
      "a time limit of two days",
      () => client.createRun({ ...at, timeoutSeconds: 172_800 }),
      Code.InvalidArgument,
      /^timeout_seconds must be between/,
    ],
    [
      "a region without it",
      () => client.createRun({ ...at, region: "us-1" }),
      Code.NotFound,
      /does not run in "us-1": it runs in local\.dev/,
    ],
    [
      "a deployment that is not ready",
      () => client.createRun({ ...at, deploymentId: starting }),
      Code.FailedPrecondition,
      /is deploying: only a ready one runs commands/,
    ],
    ["another workspace's deployment", () => stranger.createRun(at), Code.NotFound, /was not found/],
    ["another workspace's run", () => stranger.getRun({ runId: run.id }), Code.NotFound, /was not found/],
    ["the end of another's", () => stranger.cancelRun({ runId: run.id }), Code.NotFound, /was not found/],
    [
      "a key that may only read",
      () => api.client(DeploymentService, key).createRun(at),
      Code.PermissionDenied,
      /run_command/,
    ],
    ["a malformed run", () => client.getRun({ runId: "x" }), Code.InvalidArgument, /^run_id must look like/],
  ]);
  assert.deepEqual((await stranger.listRuns({})).runs, []);
  await setWorkspaceLimit(api.db.kysely, {
    workspaceId: tenant.workspaceId,
    name: "runs",
    value: 1,
    nowMs: clock.now(),
  });
  await refused(create(), Code.ResourceExhausted, /has 1 commands that run at once, and 1 are allowed/);
  await client.cancelRun({ runId: run.id });
  await create();
});

Deno.test("REST makes a run, shows it and ends it", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id } = await bed(api, tenant);
  const call = (name: string, body: object) => callRest(api.url, name, body, tenant.rootKey);
  const made = await call("createRun", { deploymentId: id, command: COMMAND, timeoutSeconds: 60 });
  assert.equal(made.status, 200);
  assert.partialDeepStrictEqual(made.data, { state: "STARTING", command: COMMAND, timeoutSeconds: 60 });
  const { id: runId } = made.data as { readonly id: string };
  assert.partialDeepStrictEqual((await call("getRun", { runId })).data, { id: runId });
  assert.partialDeepStrictEqual((await call("listRuns", { deploymentId: id, limit: 1 })).data, {
    runs: [{ id: runId }],
  });
  assert.partialDeepStrictEqual((await call("cancelRun", { runId })).data, { state: "CANCELLED" });
  assert.equal((await call("getRun", { runId: "run_none" })).status, 404);
  assert.equal((await call("createRun", { command: COMMAND })).status, 400);
});
