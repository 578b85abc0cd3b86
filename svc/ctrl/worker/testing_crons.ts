/** An environment whose live deployment has crons, for tests that let their times pass. */
import assert from "node:assert/strict";
import { transact } from "../../../pkg/db/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { announceCrons, holdCrons } from "../internal/crons/mod.ts";
import { type CronSettings, encodeAppSnapshot } from "../internal/deployments/app/settings.ts";
import { stateOfRun } from "../internal/runs/mod.ts";
import {
  type CronsTable,
  type CtrlDatabase,
  findCron,
  findDeployment,
  findEnvironment,
  listRuns,
  placeDeployment,
  recordTasks,
  removeCronsOfEnvironment,
  type StoredRun,
  swapLiveDeployment,
} from "../internal/store/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject } from "../internal/store/testing.ts";
import { type CronDeps, fireDueCrons } from "./tasks/crons.ts";
import { recordingNotifier, REGION, worldClock } from "./testing.ts";

export const HOUR_MS = 3_600_000;
/** A full hour. */
export const START_MS = NOW_MS - (NOW_MS % HOUR_MS);
export const CLEANUP: CronSettings = {
  name: "cleanup",
  schedule: "@hourly",
  command: ["npm", "run", "cleanup"],
};

export class CronWorld {
  nowMs = START_MS;
  readonly notifier = recordingNotifier();
  deploymentId = "";

  constructor(readonly db: CtrlDatabase, readonly seed: Seed) {}

  async deploy(crons: readonly CronSettings[], environmentId = this.seed.productionId): Promise<string> {
    const snapshot = encodeAppSnapshot({ own: { crons }, environment: {} });
    const { id } = await seedDeployment(this.db, this.seed, {
      app_settings: snapshot,
      environment_id: environmentId,
    });
    await this.db.kysely.updateTable("deployments").set({ status: "ready" }).where("id", "=", id).execute();
    await transact(this.db, async (tx) => {
      await announceCrons(tx, await this.environment(tx, environmentId), snapshot);
      const { workspaceId } = this.seed;
      const regions = [{ region: REGION, replicas: 1 }];
      await placeDeployment(tx, { deploymentId: id, workspaceId, regions, nowMs: this.nowMs });
    });
    return id;
  }

  /** As a switch of traffic does it; a worker of the former release does not know crons. */
  async goLive(id: string, { holds = true, environmentId = this.seed.productionId } = {}): Promise<void> {
    await transact(this.db, async (tx) => {
      const environment = await this.environment(tx, environmentId);
      const deployment = await findDeployment(tx, id);
      assert.ok(deployment !== undefined);
      const expected = environment.live_deployment_id ?? undefined;
      const swap = { environmentId, expected, next: id, rolledBack: false, nowMs: this.nowMs };
      assert.ok(await swapLiveDeployment(tx, swap));
      if (holds) await holdCrons(tx, environment, deployment, this.nowMs);
    });
    this.deploymentId = id;
  }

  async deployLive(...crons: readonly CronSettings[]): Promise<string> {
    const id = await this.deploy(crons);
    await this.goLive(id);
    return id;
  }

  environment = async (tx: Parameters<typeof findEnvironment>[0], id: string) => {
    const environment = await findEnvironment(tx, this.seed.workspaceId, id);
    assert.ok(environment !== undefined);
    return environment;
  };

  get deps(): CronDeps {
    return { db: this.db, clock: worldClock(this), log: silentLogger(), changes: this.notifier };
  }

  /** Lets time pass, and looks at what is due. */
  async after(ms: number): Promise<void> {
    this.nowMs += ms;
    await fireDueCrons(this.deps, new AbortController().signal);
  }

  async cron(name = CLEANUP.name): Promise<CronsTable> {
    const cron = await findCron(this.db.kysely, this.seed.productionId, name);
    assert.ok(cron !== undefined, name);
    return cron;
  }

  /** Oldest first. */
  async runs(): Promise<readonly StoredRun[]> {
    const found = await listRuns(this.db.kysely, {
      workspaceId: this.seed.workspaceId,
      projectIds: undefined,
      environmentSlug: undefined,
      deploymentId: undefined,
      cron: undefined,
      before: undefined,
      limit: 100,
    });
    return found.toReversed();
  }

  /** State and planned time of each entry, in hours after the start. */
  async history(): Promise<readonly string[]> {
    return (await this.runs()).map((run) => {
      const hours = ((run.planned_at ?? 0) - START_MS) / HOUR_MS;
      return `${stateOfRun(run)} ${hours}${run.planned_times === null ? "" : ` x${run.planned_times}`}`;
    });
  }

  /** The agent reports the end of all runs. */
  async endRuns(): Promise<void> {
    for (const run of await this.runs()) {
      if (run.state !== "wanted") continue;
      const report = { state: "succeeded", instance: "i", reason: "", message: "", exit_code: 0 } as const;
      await transact(this.db, (tx) =>
        recordTasks(tx, {
          deploymentId: run.deployment_id,
          region: REGION,
          tasks: [{ name: run.name, ...report, last_log_lines: "[]" }],
          nowMs: this.nowMs,
        }));
    }
  }
}

export async function onWorld(db: CtrlDatabase, run: (world: CronWorld) => Promise<void>): Promise<void> {
  const world = new CronWorld(db, await seedProject(db));
  try {
    await run(world);
  } finally {
    // The tests of this file share a database, and each looks at all that is due.
    for (const id of [world.seed.productionId, world.seed.previewId]) {
      await transact(db, (tx) => removeCronsOfEnvironment(tx, id));
    }
  }
}
