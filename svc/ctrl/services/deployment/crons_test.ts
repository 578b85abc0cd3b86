/** Crons as users see them: listed, paused, resumed and run by hand. */
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { CronOverlap, CronService } from "../../../../proto/gen/ctrl/v1/cron_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { RunState } from "../../../../proto/gen/ctrl/v1/run_pb.ts";
import { callRest } from "../../api/rest/testing.ts";
import { holdCrons } from "../../internal/crons/mod.ts";
import { findDeployment, findEnvironment, placeDeployment } from "../../internal/store/mod.ts";
import { clock, eachRefused, move, refused, startApi, type Tenant, type TestApi } from "../testing.ts";
import { environmentOf, REGION } from "../testing_agents.ts";
import { setLive } from "../testing_lifecycle.ts";

const CLEANUP = {
  name: "cleanup",
  schedule: "30 2 * * *",
  command: ["npm", "run", "cleanup"],
  timezone: "Europe/Berlin",
  environments: ["preview"],
};

/** A live deployment that was created with crons. */
async function bed(
  api: TestApi,
  tenant: Tenant,
  crons: readonly (typeof CLEANUP & { overlap?: CronOverlap })[],
) {
  const deployments = api.client(DeploymentService, tenant.rootKey);
  const { deploymentId: id } = await deployments.createDeployment({
    projectId: tenant.projectId,
    environmentSlug: "preview",
    branch: "main",
    source: { case: "dockerImage", value: "nginx:1.29" },
    app: { crons: crons.map((each) => ({ ...each })) },
  });
  await transact(api.db, (tx) =>
    placeDeployment(tx, {
      deploymentId: id,
      workspaceId: tenant.workspaceId,
      regions: [{ region: REGION, replicas: 1 }],
      nowMs: clock.now(),
    }));
  await move(api, id, "ready");
  const environmentId = await environmentOf(api, id);
  await setLive(api, environmentId, undefined, id);
  await transact(api.db, async (tx) => {
    const environment = await findEnvironment(tx, tenant.workspaceId, environmentId);
    const deployment = await findDeployment(tx, id);
    assert.ok(environment !== undefined && deployment !== undefined);
    await holdCrons(tx, environment, deployment, clock.now());
  });
  return { id, deployments, crons: api.client(CronService, tenant.rootKey) };
}

Deno.test("crons of the live deployment are listed, paused and resumed, with their audit", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, crons } = await bed(api, tenant, [CLEANUP, {
    ...CLEANUP,
    name: "b",
    overlap: CronOverlap.REPLACE,
  }]);
  const listed = await crons.listCrons({ environmentSlug: "preview" });
  assert.deepEqual(listed.crons.map((each) => each.name).sort(), ["b", "cleanup"]);
  const [cron] = listed.crons.filter((each) => each.name === "cleanup");
  assert.ok(cron !== undefined);
  const shown = [cron.deploymentId, cron.projectSlug, cron.overlap, cron.timeoutSeconds, cron.timezone];
  assert.deepEqual(shown, [id, "shop", CronOverlap.SKIP, 3_600, "Europe/Berlin"]);
  assert.ok(cron.nextAt > BigInt(clock.now()));
  const name = { projectId: tenant.projectId, environmentSlug: "preview", name: "cleanup" };
  for (let times = 0; times < 2; times++) {
    const { cron: paused } = await crons.pauseCron(name);
    assert.ok(paused !== undefined && paused.pausedAt > 0n && paused.nextAt === 0n);
  }
  for (let times = 0; times < 2; times++) {
    assert.equal((await crons.resumeCron(name)).cron?.nextAt, cron.nextAt);
  }
  await refused(crons.pauseCron({ ...name, name: "c" }), Code.NotFound, /no cron "c". It has: b, cleanup/);
  const { entries } = await api.client(AdminService, tenant.rootKey).listAuditLog({});
  const acts = entries.filter((each) => each.action.startsWith("cron."));
  assert.deepEqual(acts.map((each) => [each.action, each.resourceId]), [
    ["cron.resume", cron.id],
    ["cron.pause", cron.id],
  ]);
  const pages = await Promise.all([crons.listCrons({ pageSize: 1 }), crons.listCrons({})]);
  const { crons: rest } = await crons.listCrons({ pageSize: 1, pageToken: pages[0].nextPageToken });
  assert.deepEqual(
    [...pages[0].crons, ...rest].map((each) => each.id),
    pages[1].crons.map((each) => each.id),
  );
});

Deno.test("a cron is run by hand, beside its schedule, and its overlap holds", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { id, crons, deployments } = await bed(api, tenant, [CLEANUP]);
  const order = { projectId: tenant.projectId, environmentSlug: "preview", cron: "cleanup" };
  const { run } = await deployments.createRun({ ...order, idempotencyKey: "k" });
  assert.ok(run !== undefined);
  const expected = [id, CLEANUP.command, "cleanup", 0n, "shop"];
  assert.deepEqual([run.deploymentId, run.command, run.cron, run.plannedAt, run.projectSlug], expected);
  assert.equal((await deployments.createRun({ ...order, idempotencyKey: "k" })).run?.id, run.id);
  await refused(
    deployments.createRun(order),
    Code.FailedPrecondition,
    new RegExp(`Run ${run.id} .* has not ended`),
  );
  await deployments.cancelRun({ runId: run.id });
  const second = await deployments.createRun(order);
  const { runs } = await deployments.listRuns({ cron: "cleanup" });
  assert.deepEqual(runs.map((each) => each.id).sort(), [run.id, second.run?.id ?? ""].sort());
  assert.deepEqual((await deployments.listRuns({ cron: "other" })).runs, []);
  const [cron] = (await crons.listCrons({})).crons;
  assert.deepEqual([cron?.lastRun?.id, cron?.lastRun?.state], [second.run?.id, RunState.STARTING]);
  await refused(
    deployments.createRun({ ...order, command: ["x"] }),
    Code.InvalidArgument,
    /cron has a deployment, a command and a time limit of its own/,
  );
  await refused(deployments.createRun({ ...order, cron: "none" }), Code.NotFound, /no cron "none"/);
});

Deno.test("another workspace's crons and keys without the right are refused", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("other")];
  await bed(api, own, [CLEANUP]);
  const foreign = api.client(CronService, other.rootKey);
  assert.deepEqual((await foreign.listCrons({})).crons, []);
  const name = { projectId: own.projectId, environmentSlug: "preview", name: "cleanup" };
  await refused(foreign.pauseCron(name), Code.NotFound, /was not found/);
  const permissions = [`project.${own.projectId}.read_deployment`];
  const { key } = await api.client(AdminService, own.rootKey).createRootKey({ name: "reader", permissions });
  const reader = api.client(CronService, key);
  assert.equal((await reader.listCrons({})).crons.length, 1);
  await refused(reader.pauseCron(name), Code.PermissionDenied, /run_command/);
});

Deno.test("a deployment with a cron that is wrong is refused with the field", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const client = api.client(DeploymentService, tenant.rootKey);
  const create = (crons: readonly Partial<typeof CLEANUP & { timeoutSeconds: number }>[]) =>
    client.createDeployment({
      projectId: tenant.projectId,
      environmentSlug: "preview",
      branch: "main",
      source: { case: "dockerImage", value: "nginx:1.29" },
      app: { crons: crons.map((each) => ({ ...CLEANUP, ...each })) },
    });
  const invalid = (name: string, crons: Parameters<typeof create>[0], text: RegExp) =>
    [name, () => create(crons), Code.InvalidArgument, text] as const;
  await eachRefused(t, [
    invalid(
      "a day that never comes",
      [{ schedule: "0 0 30 2 *" }],
      /app.crons\[0\].schedule names a day that never/,
    ),
    invalid("a time zone", [{ timezone: "Mars/X" }], /app.crons\[0\].schedule has the time zone "Mars\/X"/),
    invalid("a name", [{}, { name: "A b" }], /app.crons\[1\].name must have at most 63 lower-case/),
    invalid("a name that is there twice", [{}, {}], /app.crons\[1\].name must be unique: got "cleanup"/),
    invalid("no command", [{ command: [] }], /app.crons\[0\].command must not be empty/),
    invalid("a time limit", [{ timeoutSeconds: 90_000 }], /timeout_seconds must be between 1 and 86400/),
    invalid("an environment", [{ environments: ["A"] }], /environments must have at most 63 lower-case/),
    invalid("too many", Array.from({ length: 21 }, (_, at) => ({ name: `c${at}` })), /must be at most 20/),
  ]);
});

Deno.test("REST lists crons, pauses and resumes one, and runs it", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  await bed(api, tenant, [CLEANUP]);
  const rest = (route: string, body: unknown) => callRest(api.url, route, body, tenant.rootKey);
  const name = { projectId: tenant.projectId, environmentSlug: "preview", name: "cleanup" };
  const listed = await rest("listCrons", { projectId: tenant.projectId });
  assert.equal(listed.at("crons", 0, "name"), "cleanup");
  assert.equal(typeof (await rest("pauseCron", name)).at("pausedAt"), "number");
  assert.equal((await rest("resumeCron", name)).at("pausedAt"), undefined);
  assert.equal((await rest("resumeCron", { ...name, name: "none" })).status, 404);
  const { name: cron, ...place } = name;
  const run = await rest("createRun", { ...place, cron });
  assert.deepEqual([run.at("cron"), run.at("command")], ["cleanup", CLEANUP.command]);
  assert.equal((await rest("createRun", { ...place, cron, command: ["x"] })).status, 400);
  assert.equal((await rest("listCrons", {})).at("crons", 0, "lastRun", "id"), run.at("id"));
  assert.equal((await rest("listRuns", { cron })).at("runs", 0, "id"), run.at("id"));
});
