/** The worker is killed before and after every step, on a real Restate server: every run must end as an unbroken one. */
import assert from "node:assert/strict";
import { type GradualSwitchId, newId, parseId } from "../../pkg/uid/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { encodeAppSnapshot } from "../../svc/ctrl/internal/deployments/app/settings.ts";
import {
  findDeployment,
  findGradualSwitch,
  listBuildSlots,
  listTasks,
  listTopology,
  requestCancel,
} from "../../svc/ctrl/internal/store/mod.ts";
import { instanceReport } from "../../svc/ctrl/worker/testing.ts";
import { back, to } from "../../svc/ctrl/worker/testing_environment.ts";
import { actor } from "../../svc/ctrl/worker/testing_environment.ts";
import { seedBuild } from "../../svc/ctrl/worker/testing_builds.ts";
import { WorkerBed } from "../integration/worker_bed.ts";
import { eventually } from "../testbed/wait.ts";
import { type Crash, StandbyWorker } from "./standby_worker.ts";

type Bed = WorkerBed<StandbyWorker>;

/** Something that happens to an environment: what is there before, what is done, and when it is over. */
interface Scenario {
  readonly prepare: (bed: Bed) => Promise<readonly string[]>;
  readonly act: (bed: Bed, ids: readonly string[]) => Promise<readonly string[]>;
}

const clock = systemClock();
const STARTING = instanceReport({ status: "pending", reason: "starting", address: "" });

async function deploy(bed: Bed, dockerfile?: string): Promise<string> {
  const id = await bed.create(dockerfile);
  await bed.workflows.submitDeploy(id);
  await bed.until(id, "ready", "failed");
  return id;
}

/** Of the same content each time. */
async function deployContent(bed: Bed): Promise<string> {
  const { id } = await seedBuild(bed.db, bed.seed, { row: { dockerfile_path: "ok" } });
  await bed.workflows.submitDeploy(parseId("deployment", "id", id));
  await bed.until(id, "ready", "failed");
  return id;
}

async function deployRelease(bed: Bed, command: string): Promise<string> {
  const app_settings = encodeAppSnapshot({ own: { releaseCommand: [command] }, environment: {} });
  const id = await bed.create(undefined, { app_settings });
  await bed.workflows.submitDeploy(id);
  await bed.until(id, "ready", "failed");
  return id;
}

const live = (count: number): Scenario["prepare"] => async (bed) => {
  const ids: string[] = [];
  for (let made = 0; made < count; made++) ids.push(await deploy(bed));
  return ids;
};

/** Two deployments that run, of which the first is live. */
async function besideLive(bed: Bed): Promise<readonly string[]> {
  const ids = await live(2)(bed);
  const [d1 = "", d2 = ""] = ids;
  await bed.workflows.rollback(bed.environment, back(d2, d1));
  return ids;
}

async function beginGradual(
  bed: Bed,
  [, targetDeploymentId = ""]: readonly string[],
  pace: { readonly everyMs?: number },
): Promise<GradualSwitchId> {
  const id = newId("gradualSwitch", clock.now());
  const order = { environmentId: bed.environment, targetDeploymentId, steps: [50], sticky: false, actor };
  await bed.workflows.beginGradual(id, { ...order, ...pace });
  return id;
}

async function gradualEnd(bed: Bed, id: string): Promise<void> {
  await eventually("the gradual switch to end", async () => {
    const row = await findGradualSwitch(bed.db.kysely, id);
    return row !== undefined && row.ended_at !== null;
  });
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "deploy of an image": {
    prepare: live(1),
    act: async (bed, ids) => [...ids, await deploy(bed)],
  },
  "deploy with a build": {
    prepare: live(1),
    act: async (bed, ids) => [...ids, await deploy(bed, "ok")],
  },
  "deploy of content that was built before": {
    prepare: async (bed) => [await deployContent(bed)],
    act: async (bed, ids) => {
      const id = await deployContent(bed);
      assert.equal((await findDeployment(bed.db.kysely, id))?.image_source_deployment_id, ids[0]);
      return [...ids, id];
    },
  },
  "deploy with a release command": {
    prepare: live(1),
    act: async (bed, ids) => [...ids, await deployRelease(bed, "migrate")],
  },
  "deploy whose release command fails": {
    prepare: live(1),
    act: async (bed, ids) => [...ids, await deployRelease(bed, "fail")],
  },
  "deploy whose build fails": {
    prepare: live(1),
    act: async (bed, ids) => [...ids, await deploy(bed, "fail")],
  },
  rollback: {
    prepare: live(2),
    act: async (bed, ids) => {
      const [d1 = "", d2 = ""] = ids;
      await bed.workflows.rollback(bed.environment, back(d2, d1));
      return ids;
    },
  },
  "rollback to a stopped one": {
    prepare: async (bed) => {
      const ids = await live(3)(bed);
      const [deploymentId = ""] = ids;
      await bed.workflows.stopByUser(bed.environment, { deploymentId, actor });
      return ids;
    },
    act: async (bed, ids) => {
      const [deploymentId = "", , sourceDeploymentId = ""] = ids;
      const outcome = await bed.workflows.start(newId("start", clock.now()), {
        deploymentId,
        environmentId: bed.environment,
        then: { kind: "rollback", sourceDeploymentId, cancels: false },
        actor,
      });
      assert.equal(outcome.kind, "switched");
      return ids;
    },
  },
  promote: {
    prepare: async (bed) => {
      const ids = await live(2)(bed);
      const [d1 = "", d2 = ""] = ids;
      await bed.workflows.rollback(bed.environment, back(d2, d1));
      return ids;
    },
    act: async (bed, ids) => {
      await bed.workflows.promote(bed.environment, to(ids[1] ?? ""));
      return ids;
    },
  },
  "gradual switch": {
    prepare: besideLive,
    act: async (bed, ids) => {
      const id = await beginGradual(bed, ids, { everyMs: 1_000 });
      await gradualEnd(bed, id);
      return ids;
    },
  },
  "gradual switch that a person ends": {
    prepare: besideLive,
    act: async (bed, ids) => {
      const id = await beginGradual(bed, ids, {});
      await bed.workflows.abortGradual(id, { actor });
      await gradualEnd(bed, id);
      return ids;
    },
  },
  cancel: {
    prepare: live(1),
    act: async (bed, ids) => {
      bed.behaviour = () => [STARTING];
      const id = await bed.create();
      await bed.workflows.submitDeploy(id);
      await bed.until(id, "deploying");
      await requestCancel(bed.db.kysely, { id, nowMs: clock.now() });
      await bed.workflows.cancelDeploy(id);
      await bed.until(id, "cancelled");
      return [...ids, id];
    },
  },
  stop: {
    prepare: live(2),
    act: async (bed, ids) => {
      await bed.workflows.stopByUser(bed.environment, { deploymentId: ids[0] ?? "", actor });
      return ids;
    },
  },
};

/** Everything that a run may leave behind, by the number of the deployment. */
async function picture(bed: Bed, ids: readonly string[]): Promise<unknown> {
  const number = (id: string | null): string => `d${ids.indexOf(id ?? "") + 1}`;
  const environment = await bed.db.kysely.selectFrom("environments").selectAll()
    .where("id", "=", bed.environment).executeTakeFirstOrThrow();
  const routes = await bed.db.kysely.selectFrom("frontline_routes").select(["sticky", "deployment_id"])
    .where("environment_id", "=", bed.environment).execute();
  const starts = await bed.db.kysely.selectFrom("deployment_starts").select("deployment_id")
    .where("deployment_id", "in", [...ids]).execute();
  const history = await bed.db.kysely.selectFrom("live_history").select("deployment_id")
    .where("environment_id", "=", bed.environment).orderBy("sequence").execute();
  const audit = await bed.db.kysely.selectFrom("audit_log").select("action")
    .where("environment_id", "=", bed.environment).orderBy("created_at").execute();
  const graduals = await bed.db.kysely.selectFrom("gradual_switches").select(["state", "running_in"])
    .where("environment_id", "=", bed.environment).execute();
  const tasks = [...(await listTasks(bed.db.kysely, ids)).values()].flat();
  const deployments: string[] = [];
  for (const id of ids) {
    const row = await findDeployment(bed.db.kysely, id);
    const topology = (await listTopology(bed.db.kysely, id)).map((each) => each.desired_status).join();
    // A build that a crash interrupted begins again and says so; its output is not compared.
    const statuses = (await bed.history(id)).filter((each) => each.startsWith("status")).join(", ");
    deployments.push(`${number(id)} ${row?.status} ${row?.failure_code} ${topology}: ${statuses}`);
  }
  return {
    live: number(environment.live_deployment_id),
    rolledBack: environment.is_rolled_back,
    history: history.map((each) => number(each.deployment_id)),
    routes: routes.map((each) => `${each.sticky} ${number(each.deployment_id)}`).sort(),
    starts: starts.map((each) => number(each.deployment_id)),
    // The builder's images: a build that failed, or was interrupted and began again, leaves no other.
    images: (await bed.images()).map(number),
    tasks: tasks.map((each) => `${number(each.deployment_id)} ${each.state} ${each.settled_at !== null}`),
    audit: audit.map((each) => each.action),
    graduals: graduals.map(({ state, running_in }) => `${state} ${running_in}`),
    deployments,
  };
}

/** Fails when a workflow that has ended still holds a build slot, or a stopped deployment still has instances. */
async function assertNothingHeld(bed: Bed, ids: readonly string[]): Promise<void> {
  // The message that gives a slot back may still be on its way between two partitions of Restate.
  await eventually("the build slots to be given back", async () => {
    return (await listBuildSlots(bed.db.kysely, [bed.seed.workspaceId])).length === 0;
  });
  // The agent ends instances a moment after their deployment.
  await eventually("the instances of stopped deployments to end", async () => {
    const held = await bed.db.kysely.selectFrom("instances")
      .innerJoin("deployment_topology", "deployment_topology.deployment_id", "instances.deployment_id")
      .select("instances.id").where("instances.deployment_id", "in", [...ids])
      .where("desired_status", "=", "stopped").execute();
    return held.length === 0;
  });
}

interface Run {
  readonly picture: unknown;
  /** True when the worker died on the way. */
  readonly crashed: boolean;
}

async function play(bed: Bed, scenario: Scenario, crash: Crash | undefined): Promise<Run> {
  await bed.reseed();
  bed.behaviour = () => [instanceReport()];
  const before = await scenario.prepare(bed);
  const crashes = bed.worker.crashes;
  if (crash !== undefined) await bed.worker.arm(crash);
  const ids = await scenario.act(bed, before);
  await quiet(bed, ids);
  const steps = crash === undefined ? 0 : await bed.worker.calm();
  // A worker that dies in its very last step is seen a moment later.
  if (steps === undefined) await eventually("the next worker", () => bed.worker.crashes > crashes);
  await assertNothingHeld(bed, ids);
  return { picture: await picture(bed, ids), crashed: bed.worker.crashes > crashes };
}

/** Waits until Restate has nothing more to do for these deployments, their environment and their build slots, apart from stops to come. */
async function quiet(bed: Bed, ids: readonly string[]): Promise<void> {
  const keys = [...ids, bed.environment, bed.seed.workspaceId].map((key) => `'${parseKey(key)}'`).join(", ");
  const query = `select count(*) as count from sys_invocation where target_service_key in (${keys})
    and status not in ('completed', 'scheduled')`;
  await eventually("the workflows to end", async () => Number((await bed.ask(query))[0]?.["count"]) === 0, {
    everyMs: 20,
  });
}

/** Ids have letters, digits and one underscore. */
function parseKey(key: string): string {
  if (key.startsWith("ws_")) return parseId("workspace", "id", key);
  return key.startsWith("env_") ? parseId("environment", "id", key) : parseId("deployment", "id", key);
}

/** More steps than any scenario has. */
const STEPS_MAX = 60;

Deno.test("the worker dies before and after every step, and each run ends as an unbroken one", async (t) => {
  const bed = await WorkerBed.startWith({
    worker: (part) => new StandbyWorker(part),
    // What lost its traffic would be stopped before or after a run is looked at, as it happens.
    env: { UNKEY_STOP_GRACE_SECONDS: "3600" },
  });
  let cases = 0;
  try {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      await t.step(name, async () => {
        const expected = (await play(bed, scenario, undefined)).picture;
        for (const when of ["before", "after"] as const) {
          for (let at = 0;; at++) {
            assert.ok(at < STEPS_MAX, "the scenario never ends without a crash");
            const run = await play(bed, scenario, { at, when });
            assert.deepEqual(run.picture, expected, `${name}: killed ${when} step ${at}`);
            if (!run.crashed) break;
            cases++;
          }
        }
      });
    }
  } finally {
    await bed.stop();
  }
  await t.step(`${cases} cases of step x fault`, () => assert.ok(cases > 60));
});
