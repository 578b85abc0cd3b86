/** An environment with deployments, for tests that move its traffic, stop and start it. */
import assert from "node:assert/strict";
import { execute, type Injected, newWorld, type World } from "../../../pkg/testkit/fake_durable.ts";
import type { CtrlDatabase } from "../internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject } from "../internal/store/testing.ts";
import type {
  PromoteOrder,
  RollbackOrder,
  StartOrder,
  StartOutcome,
} from "../internal/workflows/messages.ts";
import { ROUTING_SERVICE } from "../internal/workflows/names.ts";
import {
  assign,
  instanceReport,
  LIMITS,
  memoryDatabase,
  move,
  orThrow,
  playDeploy,
  RECHECK_MS,
  recordingNotifier,
  REGION,
  report,
  routingDeps,
  worldClock,
} from "./testing.ts";
import type { MoveOrder } from "./routing/types.ts";
import { stopByUser } from "./routing/workflow.ts";
import { createStartSteps } from "./start/steps.ts";
import { start, type StartWorkflowDeps } from "./start/workflow.ts";

/** The actor of every order. */
export const actor = { kind: "system", name: "test" } as const;
/** An order to promote this deployment. */
export const to = (targetDeploymentId: string): PromoteOrder => ({ targetDeploymentId, actor });
/** An order to roll back from a source to a target. */
export const back = (sourceDeploymentId: string, targetDeploymentId: string): RollbackOrder => ({
  sourceDeploymentId,
  targetDeploymentId,
  cancels: false,
  actor,
});

/** Faults and waits of a start on the fake. */
export interface StartPlay {
  readonly fault?: Injected;
  /** Runs while it waits; without it the app runs. */
  readonly onWait?: (count: number, world: World) => Promise<void> | void;
  /** Runs after its last wait. */
  readonly onFinish?: () => Promise<unknown>;
}

/** A project whose deployments are d1, d2, ... in the order of their sequence. */
export class TestEnvironment {
  readonly db: CtrlDatabase;
  readonly seed: Seed;
  readonly world: World = newWorld();
  readonly ids: string[] = [];

  private constructor(db: CtrlDatabase, seed: Seed) {
    this.db = db;
    this.seed = seed;
  }

  static async make(db: CtrlDatabase): Promise<TestEnvironment> {
    return new TestEnvironment(db, await seedProject(db));
  }

  /** Creates a deployment without running it. */
  async create(): Promise<string> {
    const { id } = await seedDeployment(this.db, this.seed, { git_commit_sha: "abcdef0123" });
    this.ids.push(id);
    return id;
  }

  /** Deploys it to its end. */
  async deploy(id: string): Promise<string> {
    const world = { ...this.world, signals: new Set<string>() };
    const done = await playDeploy(this.db, id, {
      world,
      onWait: () => report(this.db, id, world.nowMs, [instanceReport()]),
    });
    return orThrow(done).status;
  }

  async deployNew(): Promise<string> {
    const id = await this.create();
    assert.equal(await this.deploy(id), "ready");
    return id;
  }

  /** Brings a deployment to the point where it asks for traffic. */
  async almostReady(): Promise<string> {
    const id = await this.create();
    await this.db.kysely.updateTable("deployments").set({ status: "network" }).where("id", "=", id).execute();
    return id;
  }

  assign(id: string, fault?: Injected): ReturnType<typeof execute<Awaited<ReturnType<typeof assign>>>> {
    return execute((durable) => assign(durable, routingDeps(this.db, this.world), id), {
      key: this.seed.productionId,
      world: this.world,
      ...(fault === undefined ? {} : { fault }),
    });
  }

  move(order: MoveOrder, fault?: Injected): ReturnType<typeof execute<Awaited<ReturnType<typeof move>>>> {
    return execute((durable) => move(durable, routingDeps(this.db, this.world), order), {
      key: this.seed.productionId,
      world: this.world,
      ...(fault === undefined ? {} : { fault }),
    });
  }

  stopByUser(deploymentId: string, fault?: Injected): ReturnType<typeof execute<void>> {
    const order = { deploymentId, actor };
    return execute((durable) => stopByUser(durable, routingDeps(this.db, this.world), order), {
      key: this.seed.productionId,
      world: this.world,
      ...(fault === undefined ? {} : { fault }),
    });
  }

  /** Starts a deployment, and lets it serve if `then` says so. */
  start(
    deploymentId: string,
    then: StartOrder["then"],
    { fault, onWait, onFinish }: StartPlay = {},
  ): ReturnType<typeof execute<StartOutcome>> {
    const order = { deploymentId, environmentId: this.seed.productionId, then, actor };
    const world = { ...this.world, signals: new Set<string>(), state: new Map<string, string>() };
    const steps = createStartSteps({
      db: this.db,
      clock: worldClock(world),
      changes: recordingNotifier(),
      edgeUrl: "http://localhost:7070",
      regions: [REGION],
      replicas: 1,
      agentTimeoutMs: 30_000,
    });
    const deps: StartWorkflowDeps = {
      steps: {
        ...steps,
        async finish(...call) {
          await onFinish?.();
          return await steps.finish(...call);
        },
      },
      limits: LIMITS,
      recheckMs: RECHECK_MS,
      switchTraffic: (durable, order) =>
        durable.call({ service: ROUTING_SERVICE, handler: order.then.kind, key: order.environmentId }, order),
    };
    return execute((durable) => start(durable, deps, order), {
      key: `start_${deploymentId}`,
      world,
      ...(fault === undefined ? {} : { fault }),
      onWait: (count) =>
        onWait?.(count, world) ?? report(this.db, deploymentId, world.nowMs, [instanceReport()]),
      answer: async () =>
        orThrow(
          await this.move(
            then.kind === "rollback"
              ? { kind: "rollback", ...back(then.sourceDeploymentId, deploymentId) }
              : { kind: "promote", ...to(deploymentId) },
          ),
        ),
    });
  }

  /** Stops a deployment that serves nothing, as its schedule would, and its agent ends its instances. */
  async stopNow(id: string): Promise<void> {
    orThrow(await this.stopByUser(id));
    await report(this.db, id, this.world.nowMs, []);
  }

  /** The whole state by the numbers of deployments: `live`, `rolled back`, names, statuses, and stops to come. */
  async picture(): Promise<Readonly<Record<string, unknown>>> {
    const number = (id: string | null): string => `d${this.ids.indexOf(id ?? "") + 1}`;
    const environment = await this.db.kysely.selectFrom("environments").selectAll()
      .where("id", "=", this.seed.productionId).executeTakeFirstOrThrow();
    const routes = await this.db.kysely.selectFrom("frontline_routes").select(["sticky", "deployment_id"])
      .where("environment_id", "=", this.seed.productionId).orderBy("sticky").execute();
    const rows = await this.db.kysely.selectFrom("deployments").select(["id", "status"])
      .where("environment_id", "=", this.seed.productionId).orderBy("sequence").execute();
    const topology = await this.db.kysely.selectFrom("deployment_topology").select([
      "deployment_id",
      "desired_status",
    ]).where("deployment_id", "in", [...this.ids, ""]).execute();
    const starts = await this.db.kysely.selectFrom("deployment_starts").select("deployment_id")
      .where("deployment_id", "in", [...this.ids, ""]).execute();
    return {
      started: topology.filter((each) => each.desired_status === "started").map((each) =>
        number(each.deployment_id)
      ).sort(),
      starts: starts.map((each) => number(each.deployment_id)),
      live: number(environment.live_deployment_id),
      rolledBack: environment.is_rolled_back === 1,
      routes: Object.fromEntries(
        routes.filter((each) => each.sticky !== "none").map((
          each,
        ) => [each.sticky, number(each.deployment_id)]),
      ),
      commits: routes.filter((each) => each.sticky === "none").map((each) => number(each.deployment_id))
        .sort(),
      statuses: rows.map((row) => row.status).join(" "),
      stops: this.world.sent.map((each) =>
        `${number((each.input as { deploymentId: string }).deploymentId)} in ${each.delayMs}`
      ),
    };
  }
}

/** Runs a test on a database of its own. */
export async function onEnvironment(test: (environment: TestEnvironment) => Promise<void>): Promise<void> {
  const db = await memoryDatabase();
  try {
    await test(await TestEnvironment.make(db));
  } finally {
    await db.close();
  }
}
