import assert from "node:assert/strict";
import {
  execute,
  FAULT_KINDS,
  type Injected,
  newWorld,
  type World,
} from "../../../../pkg/testkit/fake_durable.ts";
import { type DeploymentStatus, isFinal } from "../../internal/deployments/status.ts";
import {
  type CtrlDatabase,
  findDeployment,
  listBuildSlots,
  requestCancel,
} from "../../internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject } from "../../internal/store/testing.ts";
import {
  assign,
  instanceReport,
  memoryDatabase,
  orThrow,
  playDeploy,
  report,
  routingDeps,
  type Snapshot,
  snapshot,
} from "../testing.ts";
import { askForSlot, deliverSlotMessages, giveSlotBack } from "../testing_slots.ts";
import type { BuildResult } from "./workflow.ts";

/** One way for a deploy to go. */
interface Scenario {
  readonly name: string;
  readonly context: boolean;
  /** Another build has the workspace's only slot when this one comes. */
  readonly behind?: true;
  readonly build?: BuildResult;
  /** Runs while the deploy waits. */
  readonly meanwhile: (db: CtrlDatabase, id: string, world: World, count: number) => Promise<void>;
  /** Instead, for as long as it is queued. */
  readonly whileQueued?: (db: CtrlDatabase, id: string, world: World) => Promise<void>;
  readonly expected: Pick<Snapshot, "status" | "failure" | "topology" | "routes" | "live">;
}

const runs = async (db: CtrlDatabase, id: string, world: World): Promise<void> => {
  await report(db, id, world.nowMs, [instanceReport()]);
};
const SERVES = { topology: ["local started"], routes: ["branch", "environment", "live"], live: true };
const UNDONE = { topology: ["local stopped"], routes: [], live: false };

/** A newer build of the same environment and branch arrives, unless one is there. It has an end of its own. */
async function supersede(db: CtrlDatabase, id: string): Promise<void> {
  const row = await findDeployment(db.kysely, id);
  if (row?.status !== "queued") return;
  const { workspace_id: workspaceId, project_id: projectId, environment_id: productionId } = row;
  const newer = await seedDeployment(db, { workspaceId, projectId, productionId, previewId: "" }, CONTEXT);
  await db.kysely.updateTable("deployments").set({ status: "cancelled" }).where("id", "=", newer.id)
    .execute();
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "an image that runs",
    context: false,
    meanwhile: runs,
    expected: { status: "ready", failure: "", ...SERVES },
  },
  {
    name: "a build that runs on the second look",
    context: true,
    meanwhile: async (db, id, world, count) => {
      const starting = instanceReport({ status: "pending", reason: "starting", address: "" });
      await report(db, id, world.nowMs, [count === 1 ? starting : instanceReport()]);
    },
    expected: { status: "ready", failure: "", ...SERVES },
  },
  {
    name: "a build that waits for its slot",
    context: true,
    behind: true,
    whileQueued: freeSlot,
    meanwhile: runs,
    expected: { status: "ready", failure: "", ...SERVES },
  },
  {
    name: "a build that waits for a slot in vain",
    context: true,
    behind: true,
    whileQueued: () => Promise.resolve(),
    meanwhile: runs,
    expected: { status: "failed", failure: "queue_timeout", topology: [], routes: [], live: false },
  },
  {
    name: "a cancel while it is queued",
    context: true,
    behind: true,
    meanwhile: (_db, _id, world) => Promise.resolve(void world.signals.add("cancel")),
    expected: { status: "cancelled", failure: "", topology: [], routes: [], live: false },
  },
  {
    name: "a newer build while it is queued",
    context: true,
    behind: true,
    meanwhile: async (db, id, world) => {
      await supersede(db, id);
      world.signals.add("cancel");
    },
    expected: { status: "superseded", failure: "", topology: [], routes: [], live: false },
  },
  {
    name: "a newer build while it is queued, without a message about it",
    context: true,
    behind: true,
    meanwhile: (db, id) => supersede(db, id),
    expected: { status: "superseded", failure: "", topology: [], routes: [], live: false },
  },
  {
    name: "a build that fails",
    context: true,
    build: {
      kind: "failed",
      failure: { code: "build_failed", message: '"RUN false" failed with exit code 1.' },
    },
    meanwhile: runs,
    expected: { status: "failed", failure: "build_failed", topology: [], routes: [], live: false },
  },
  {
    name: "an app that crashes",
    context: false,
    meanwhile: async (db, id, world) => {
      const crashing = {
        status: "failed",
        reason: "crash_loop",
        exit_code: 1,
        last_log_lines: '["boom"]',
      } as const;
      await report(db, id, world.nowMs, [instanceReport(crashing)]);
    },
    expected: { status: "failed", failure: "crash_loop", ...UNDONE },
  },
  {
    name: "an app that never listens",
    context: false,
    meanwhile: async (db, id, world) => {
      const notListening = { status: "pending", reason: "not_listening", address: "" } as const;
      await report(db, id, world.nowMs, [instanceReport(notListening)]);
    },
    expected: { status: "failed", failure: "not_listening", ...UNDONE },
  },
  {
    name: "a cancel while it waits",
    context: false,
    meanwhile: (_db, _id, world) => Promise.resolve(void world.signals.add("cancel")),
    expected: { status: "cancelled", failure: "", ...UNDONE },
  },
];

const CONTEXT = {
  source: "context",
  image: null,
  build_context_path: "p/u.tar.gz",
  dockerfile_path: "",
} as const;

/** Another build of the workspace, on a branch of its own. */
async function rival(db: CtrlDatabase, seed: Seed, branch: string): Promise<string> {
  return (await seedDeployment(db, seed, { ...CONTEXT, git_branch: branch })).id;
}

/** Ends what has the slot, and gives it back. */
async function freeSlot(db: CtrlDatabase, id: string, world: World): Promise<void> {
  const workspaceId = (await findDeployment(db.kysely, id))?.workspace_id ?? "";
  for (const { deployment_id, state } of await listBuildSlots(db.kysely, [workspaceId])) {
    if (state === "holding") await giveSlotBack(db, world, workspaceId, deployment_id);
  }
  await deliverSlotMessages(db, world, id);
}

async function start(
  db: CtrlDatabase,
  scenario: Scenario,
  world: World,
): Promise<{ id: string; seed: Seed }> {
  const seed = await seedProject(db);
  if (scenario.behind) {
    const deploymentId = await rival(db, seed, "first");
    await askForSlot(db, world, seed.workspaceId, { deploymentId, ticket: 1 });
  }
  const { id } = await seedDeployment(db, seed, scenario.context ? CONTEXT : {});
  return { id, seed };
}

function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  assert.ok(found, name);
  return found;
}

async function play(
  db: CtrlDatabase,
  scenario: Scenario,
  fault?: Injected,
): Promise<{ after: Snapshot; names: readonly string[]; outcome: string }> {
  const world = newWorld();
  const { id, seed } = await start(db, scenario, world);
  const { result, names } = await playDeploy(db, id, {
    world,
    ...(fault === undefined ? {} : { fault }),
    ...(scenario.build === undefined ? {} : { build: scenario.build }),
    onWait: async (count) => {
      const queued = (await findDeployment(db.kysely, id))?.status === "queued";
      await (queued && scenario.whileQueued || scenario.meanwhile)(db, id, world, count);
    },
  });
  if (fault === undefined && !result.ok) throw result.error;
  await assertSlotFree(db, seed, world);
  return { after: await snapshot(db, id), names, outcome: result.ok ? result.value.status : "threw" };
}

/** However a deploy ends, the next build finds the workspace's only slot free once the rival has left it too. */
async function assertSlotFree(db: CtrlDatabase, seed: Seed, world: World): Promise<void> {
  const deploymentId = await rival(db, seed, "last");
  await askForSlot(db, world, seed.workspaceId, { deploymentId, ticket: 1 });
  const others = (await listBuildSlots(db.kysely, [seed.workspaceId])).filter((row) =>
    row.deployment_id !== deploymentId
  );
  const first = await findDeployment(db.kysely, others[0]?.deployment_id ?? "");
  assert.ok(
    others.length === 0 || (others.length === 1 && first?.git_branch === "first"),
    JSON.stringify(others),
  );
  for (const { deployment_id } of others) await giveSlotBack(db, world, seed.workspaceId, deployment_id);
  const answer = await askForSlot(db, world, seed.workspaceId, { deploymentId, ticket: 2 });
  assert.deepEqual(answer, { kind: "granted" });
}

Deno.test("deploy() ends as each scenario should", async (t) => {
  const db = await memoryDatabase();
  for (const scenario of SCENARIOS) {
    await t.step(scenario.name, async () => {
      const { after, outcome } = await play(db, scenario);
      const { status, failure, topology, routes, live } = after;
      assert.deepEqual({ status, failure, topology, routes, live }, scenario.expected);
      assert.equal(outcome, scenario.expected.status);
      assert.ok(after.steps.every((step) => !step.endsWith("running")), after.steps.join());
    });
  }
  await db.close();
});

/**
 * Wherever the process dies, and whichever step fails for good, a deployment must end: as in an unbroken run, or undone
 * with its routes untouched. Anything else leaks an app without an owner, or a user who waits for ever.
 */
Deno.test("deploy() ends whole or undone wherever it breaks", async (t) => {
  const db = await memoryDatabase();
  let cases = 0;
  for (const scenario of SCENARIOS) {
    const calm = await play(db, scenario);
    for (const kind of FAULT_KINDS) {
      await t.step(`${scenario.name}: ${kind} at each of ${calm.names.length} operations`, async () => {
        for (const at of calm.names.keys()) {
          const broken = await play(db, scenario, { at, kind });
          cases++;
          const where = `${kind} at ${at}: ${calm.names[at]}`;
          if (kind === "refused" || kind === "failed_late") {
            assertWholeOrUndone(broken.after, calm.after, where);
          } else assert.deepEqual(broken.after, calm.after, where);
        }
      });
    }
  }
  await db.close();
  await t.step(`${cases} cases of step x fault`, () => assert.ok(cases > 200));
});

/** Texts of internal failures are for the operator: they can hold addresses, names of hosts and statements. */
Deno.test("nothing that a user can read of a deploy holds the text of an internal failure", async () => {
  const db = await memoryDatabase();
  const codes = new Set<string>();
  for (const scenario of SCENARIOS) {
    const calm = await play(db, scenario);
    for (const kind of ["refused", "failed_late"] as const) {
      for (const at of calm.names.keys()) await play(db, scenario, { at, kind });
    }
  }
  for (const table of ["deployments", "deployment_steps", "deployment_events"] as const) {
    const rows = await db.kysely.selectFrom(table).selectAll().execute();
    assert.doesNotMatch(JSON.stringify(rows), /injected/, table);
    for (const row of rows) {
      if ("failure_code" in row && row.failure_code !== null) codes.add(row.failure_code);
    }
  }
  assert.ok(codes.has("internal"), "some of them failed inside");
  await db.close();
});

function assertWholeOrUndone(after: Snapshot, calm: Snapshot, where: string): void {
  const { status } = after;
  assert.ok(isFinal(status as DeploymentStatus), `${where}: left in ${status}`);
  if (status === calm.status && status === "ready") return assert.deepEqual(after, calm, where);
  assert.notEqual(status, "ready", where);
  assert.deepEqual(after.routes, [], where);
  assert.equal(after.live, false, where);
  assert.ok(after.topology.every((each) => each.endsWith("stopped")), where);
  assert.ok(after.steps.every((step) => !step.endsWith("running")), where);
}

Deno.test("deploy() does nothing for a deployment that is final or missing", async () => {
  const db = await memoryDatabase();
  const world = newWorld();
  const { id } = await start(db, scenarioNamed("a build that fails"), world);
  const build: BuildResult = { kind: "failed", failure: { code: "build_failed", message: "no" } };
  await playDeploy(db, id, { world, build });
  const before = await snapshot(db, id);
  const again = await playDeploy(db, id, { world });
  assert.deepEqual(again.result, { ok: true, value: { status: "failed" } });
  assert.deepEqual(await snapshot(db, id), before);
  const missing = await playDeploy(db, "d_missing", { world });
  assert.deepEqual(missing.result, { ok: true, value: { status: "missing" } });
  await db.close();
});

/** The cancel and the switch race in one transaction: the first one decides, and both sides agree on it. */
Deno.test("a cancel that is noted before traffic moves stops the move", async () => {
  const db = await memoryDatabase();
  const world = newWorld();
  const { id, seed } = await start(db, scenarioNamed("an image that runs"), world);
  orThrow(await playDeploy(db, id, { world, onWait: () => runs(db, id, world) }));
  const other = await seedDeployment(db, seed);
  await db.kysely.updateTable("deployments").set({ status: "network" }).where("id", "=", other.id).execute();
  await requestCancel(db.kysely, { id: other.id, nowMs: world.nowMs });
  const assigned = await execute((durable) => assign(durable, routingDeps(db, world), other.id), {
    key: seed.productionId,
    world,
  });
  assert.deepEqual(assigned.result, { ok: true, value: { kind: "cancelled" } });
  assert.equal((await snapshot(db, id)).live, true);
  await db.close();
});
