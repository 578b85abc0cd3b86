/** A deploy with a release command, broken before and after every operation: the command is run once in each case. */
import assert from "node:assert/strict";
import { FAULT_KINDS, type Injected, newWorld, type World } from "../../../../pkg/testkit/fake_durable.ts";
import { encodeAppSnapshot } from "../../internal/deployments/app/settings.ts";
import { type DeploymentStatus, isFinal } from "../../internal/deployments/status.ts";
import {
  type CtrlDatabase,
  findDeployment,
  findTask,
  listEventsAfter,
  RELEASE_TASK,
  type ReportedTask,
} from "../../internal/store/mod.ts";
import { seedDeployment, seedProject } from "../../internal/store/testing.ts";
import {
  instanceReport,
  memoryDatabase,
  playDeploy,
  releaseReport,
  report,
  type Snapshot,
  snapshot,
} from "../testing.ts";

const SETTINGS = encodeAppSnapshot({
  own: { releaseCommand: ["sh", "-c", "migrate"], releaseSeconds: 120 },
  environment: {},
});

interface Scenario {
  readonly name: string;
  /** The end of the command, as the agent reports it. */
  readonly end: Partial<ReportedTask>;
  /** The user cancels while it runs. */
  readonly cancels?: true;
  readonly expected: Pick<Snapshot, "status" | "failure" | "topology" | "live">;
}

const UNDONE = { topology: ["local stopped"], live: false };

const SCENARIOS: readonly Scenario[] = [
  {
    name: "a release command that succeeds",
    end: {},
    expected: { status: "ready", failure: "", topology: ["local started"], live: true },
  },
  {
    name: "a release command that fails",
    end: {
      state: "failed",
      exit_code: 3,
      message: "The command ended with exit code 3.",
      last_log_lines: '["no such table"]',
    },
    expected: { status: "failed", failure: "release_failed", ...UNDONE },
  },
  {
    name: "a cancel while the release command runs",
    end: {},
    cancels: true,
    expected: { status: "cancelled", failure: "", ...UNDONE },
  },
];

/** An agent that begins the command at its first look, ends it at the second, and starts the app when that is asked of it. */
async function agent(db: CtrlDatabase, id: string, world: World, scenario: Scenario): Promise<number> {
  const task = await findTask(db.kysely, id, RELEASE_TASK);
  if (task === undefined) return 0;
  if (task.state === "wanted") {
    const running = releaseReport({ state: "running", exit_code: null, message: "", last_log_lines: "[]" });
    await report(db, id, world.nowMs, [], [running]);
    return 1;
  }
  if (scenario.cancels === true) {
    world.signals.add("cancel");
    return 0;
  }
  if (task.settled_at === null) await report(db, id, world.nowMs, [], [releaseReport(scenario.end)]);
  else await report(db, id, world.nowMs, [instanceReport()]);
  return 0;
}

interface Played {
  readonly id: string;
  readonly after: Snapshot;
  readonly names: readonly string[];
  /** The times that the agent began the command. */
  readonly begun: number;
}

async function play(db: CtrlDatabase, scenario: Scenario, fault?: Injected): Promise<Played> {
  const world = newWorld();
  const { id } = await seedDeployment(db, await seedProject(db), { app_settings: SETTINGS });
  let begun = 0;
  const { names } = await playDeploy(db, id, {
    world,
    ...(fault === undefined ? {} : { fault }),
    onWait: async () => {
      begun += await agent(db, id, world, scenario);
    },
  });
  return { id, after: await snapshot(db, id), names, begun };
}

Deno.test("deploy() runs a release command once before any instance, whatever its end", async (t) => {
  const db = await memoryDatabase();
  for (const scenario of SCENARIOS) {
    await t.step(scenario.name, async () => {
      const { after, begun } = await play(db, scenario);
      const { status, failure, topology, live } = after;
      assert.deepEqual({ status, failure, topology, live }, scenario.expected);
      assert.equal(begun, 1);
      assert.ok(after.steps.every((step) => !step.endsWith("running")), after.steps.join());
    });
  }
  await db.close();
});

Deno.test("deploy() with a release command ends whole or undone wherever it breaks", async (t) => {
  const db = await memoryDatabase();
  let cases = 0;
  for (const scenario of SCENARIOS) {
    const calm = await play(db, scenario);
    for (const kind of FAULT_KINDS) {
      await t.step(`${scenario.name}: ${kind} at each of ${calm.names.length} operations`, async () => {
        for (const at of calm.names.keys()) {
          const { after, begun } = await play(db, scenario, { at, kind });
          cases++;
          const where = `${kind} at ${at}: ${calm.names[at]}`;
          assert.ok(begun <= 1, where);
          assert.ok(isFinal(after.status as DeploymentStatus), `${where}: left in ${after.status}`);
          if (kind !== "refused" && kind !== "failed_late") assert.deepEqual(after, calm.after, where);
          else if (after.status !== "ready") assert.equal(after.live, false, where);
        }
      });
    }
  }
  await db.close();
  await t.step(`${cases} cases of step x fault`, () => assert.ok(cases > 50));
});

Deno.test("a release command that fails is reported with its exit code, its output and what goes on", async () => {
  const db = await memoryDatabase();
  const [, failing] = SCENARIOS;
  assert.ok(failing !== undefined);
  const { id } = await play(db, failing);
  const row = await findDeployment(db.kysely, id);
  assert.equal(
    row?.error_message,
    'The release command "migrate" ended with exit code 3. The new version was not started; what ran before ' +
      "goes on. Mend it, then deploy again. Its last output:\nno such table",
  );
  const texts = (await listEventsAfter(db.kysely, id, 0, 100)).flatMap(({ payload }) =>
    payload.kind === "step" ? [payload.message] : payload.kind === "log" ? payload.lines : []
  );
  assert.equal(texts[1], "Running the release command in local: migrate");
  assert.ok(texts.includes("no such table"));
  await db.close();
});

Deno.test("the output of a release command that succeeded is among the events, and the app starts then", async () => {
  const db = await memoryDatabase();
  const [succeeding] = SCENARIOS;
  assert.ok(succeeding !== undefined);
  const { id } = await play(db, succeeding);
  const texts = (await listEventsAfter(db.kysely, id, 0, 100)).flatMap(({ payload }) =>
    payload.kind === "step" ? [payload.message] : payload.kind === "log" ? payload.lines : []
  );
  assert.deepEqual(texts.slice(0, 4), [
    "Starting the app in local.",
    "Running the release command in local: migrate",
    "migrated",
    "Starting the app in local.",
  ]);
  await db.close();
});
