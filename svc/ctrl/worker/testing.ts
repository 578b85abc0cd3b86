/** A control plane in memory, for tests of workflows and steps. */
import type { Clock } from "../../../pkg/clock/mod.ts";
import { transact } from "../../../pkg/db/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import {
  execute,
  type ExecuteOptions,
  type Execution,
  NO_ANSWER,
  type Sent,
  type World,
} from "../../../pkg/testkit/fake_durable.ts";
import {
  BUILD_SERVICE,
  BUILD_SLOT_SERVICE,
  OPENAPI_SERVICE,
  ROUTING_SERVICE,
} from "../internal/workflows/names.ts";
import {
  type CtrlDatabase,
  findDeployment,
  findTask,
  listBuildSlots,
  listEventsAfter,
  listSteps,
  listTopology,
  recordAgents,
  RELEASE_TASK,
  replaceReported,
  type ReportedInstance,
  type ReportedTask,
} from "../internal/store/mod.ts";
import { openTestDatabase } from "../internal/store/testing.ts";
import { listRoutesOfDeployment } from "../internal/store/mod.ts";
import type { StopRequest } from "./routing/contract.ts";
import type { DeployOutcome } from "./deploy/contract.ts";
import type { RolloutLimits } from "./rollout/plan.ts";
import { createDeploySteps, type DeployDeps } from "./deploy/steps.ts";
import { type BuildResult, deploy } from "./deploy/workflow.ts";
import type { AcquireRequest } from "./slots/contract.ts";
import { askForSlot, deliverSlotMessages, SLOT_LIMITS, SLOTS_ON_FAKE } from "./testing_slots.ts";
import { createRoutingSteps } from "./routing/steps.ts";
import type { RoutingSteps } from "./routing/types.ts";
import { assign, move, type RoutingWorkflowDeps, stop } from "./routing/workflow.ts";
import { NO_SPANS } from "../internal/traces/testing.ts";

export const REGION = "local";
export const LIMITS: RolloutLimits = { readyMs: 300_000, listenMs: 60_000, agentMs: 30_000, restartsMax: 3 };
export const RECHECK_MS = 5_000;
export const QUEUE_MS = 5 * SLOT_LIMITS.recheckMs;
/** Rules of images in tests: any may be named, and all are where a build left them. */
export const IMAGE_RULES: Pick<DeployDeps, "images" | "imageConfig" | "reuse"> = {
  images: {
    registryName: "r.example/apps",
    mayPull: () => Promise.resolve(true),
    digestOf: () => Promise.resolve(undefined),
  },
  imageConfig: () => Promise.resolve(undefined),
  reuse: {
    log: silentLogger(),
    presence: () => Promise.resolve("present"),
    vault: undefined,
    platform: undefined,
    ageMsMax: 3_600_000,
  },
};
export const RETENTION = { warmCount: 1, warmMs: 1_800_000, graceMs: 30_000, edgesMs: 60_000 };

/** A database in memory with all tables. */
export async function memoryDatabase(): Promise<CtrlDatabase> {
  return await openTestDatabase();
}

/** A clock that a world moves. */
export function worldClock(world: { readonly nowMs: number }): Clock {
  return {
    now: () => world.nowMs,
    sleep: () => Promise.reject(new Error("nothing here sleeps by the clock")),
  };
}

/** Remembers the regions that were notified. */
export function recordingNotifier(): {
  changed(regions: readonly string[]): void;
  readonly seen: Set<string>;
} {
  const seen = new Set<string>();
  return { seen, changed: (regions) => regions.forEach((region) => seen.add(region)) };
}

/** An agent's report of one instance. */
export function instanceReport(changes: Partial<ReportedInstance> = {}): ReportedInstance {
  return {
    k8s_name: "a-1",
    address: "127.0.0.1:20000",
    cpu_millicores: 250,
    memory_mib: 256,
    status: "running",
    reason: "",
    message: "",
    exit_code: null,
    restarts: 0,
    last_log_lines: "[]",
    last_end: null,
    ...changes,
  };
}

/** An agent's report of a release command that succeeded. */
export function releaseReport(changes: Partial<ReportedTask> = {}): ReportedTask {
  return {
    name: "release",
    state: "succeeded",
    instance: "unkey-a-release",
    reason: "",
    message: "The command ended with exit code 0.",
    exit_code: 0,
    last_log_lines: '["migrated"]',
    ...changes,
  };
}

/** The next report of an agent that runs the release command of a deployment; empty when it has none to run. */
export async function nextReleaseReport(db: CtrlDatabase, id: string): Promise<readonly ReportedTask[]> {
  const task = await findTask(db.kysely, id, RELEASE_TASK);
  if (task === undefined || task.settled_at !== null) return [];
  if (task.state === "wanted") {
    return [releaseReport({ state: "running", exit_code: null, message: "", last_log_lines: "[]" })];
  }
  return [task.command.includes("fail") ? releaseReport({ state: "failed", exit_code: 3 }) : releaseReport()];
}

/** The region's agent is alive and reports these instances. */
export async function report(
  db: CtrlDatabase,
  deploymentId: string,
  nowMs: number,
  instances: readonly ReportedInstance[],
  tasks: readonly ReportedTask[] = [],
): Promise<void> {
  const deployment = await findDeployment(db.kysely, deploymentId);
  if (deployment === undefined) throw new Error(`no deployment ${deploymentId}`);
  await transact(db, (tx) => recordAgents(tx, [{ agentId: "agent", region: REGION, nowMs }]));
  await transact(db, (tx) =>
    replaceReported(tx, {
      deploymentId,
      workspaceId: deployment.workspace_id,
      projectId: deployment.project_id,
      region: REGION,
      generation: 0,
      instances: instances.map((each) => ({ ...each, k8s_name: `${deploymentId}-${each.k8s_name}` })),
      tasks,
      nowMs,
    }));
}

/** Everything that a deploy may leave behind, without what differs between runs. */
export interface Snapshot {
  readonly status: string;
  readonly failure: string;
  readonly topology: readonly string[];
  readonly routes: readonly string[];
  readonly steps: readonly string[];
  readonly statuses: readonly string[];
  readonly live: boolean;
  /** Its row in the queue of builds. */
  readonly slots: readonly string[];
}

export async function snapshot(db: CtrlDatabase, id: string): Promise<Snapshot> {
  const row = await findDeployment(db.kysely, id);
  const environment = await db.kysely.selectFrom("environments").select("live_deployment_id")
    .where("id", "=", row?.environment_id ?? "").executeTakeFirst();
  const events = await listEventsAfter(db.kysely, id, 0, 1_000);
  return {
    status: row?.status ?? "missing",
    failure: row?.failure_code ?? "",
    topology: (await listTopology(db.kysely, id)).map((each) => `${each.region} ${each.desired_status}`),
    routes: (await listRoutesOfDeployment(db.kysely, id)).map((route) => route.sticky).sort(),
    steps: (await listSteps(db.kysely, id)).map((step) => `${step.name} ${step.status}`).sort(),
    statuses: events.flatMap(({ payload }) => payload.kind === "status" ? [payload.status] : []),
    live: environment?.live_deployment_id === id,
    slots: (await listBuildSlots(db.kysely, [row?.workspace_id ?? ""]))
      .flatMap((slot) => slot.deployment_id === id ? [slot.state] : []),
  };
}

/** Faults, waits and the build of a deploy on the fake. */
export interface Play extends Pick<ExecuteOptions, "fault" | "onWait"> {
  readonly world: World;
  readonly build?: BuildResult;
}

/** Runs a deploy on the fake, with the real steps and the real routing workflow behind its calls. */
export async function playDeploy(
  db: CtrlDatabase,
  id: string,
  play: Play,
): Promise<Execution<DeployOutcome>> {
  const { world } = play;
  const clock = worldClock(world);
  const changes = recordingNotifier();
  const steps = createDeploySteps({
    spans: NO_SPANS,
    db,
    clock,
    changes,
    regions: [REGION],
    replicas: 1,
    apex: "localhost",
    ...IMAGE_RULES,
    agentTimeoutMs: 30_000,
  });
  const routing = routingDeps(db, world);
  const played = await execute((durable) =>
    deploy(durable, {
      steps,
      limits: LIMITS,
      recheckMs: RECHECK_MS,
      slots: SLOTS_ON_FAKE,
      queueMs: QUEUE_MS,
      build: async (durable, order, cancel) => {
        const address = { service: BUILD_SERVICE, handler: "BuildDockerImage" };
        const raced = await durable.callUnless<unknown, BuildResult>(address, order, [cancel]);
        return raced.kind === "signalled" ? { kind: "cancelled" } : raced.value;
      },
      assign: (durable, key, deploymentId) =>
        durable.call({ service: ROUTING_SERVICE, handler: "assign", key }, { deploymentId }),
      scrape: (durable, deploymentId) =>
        durable.send({ service: OPENAPI_SERVICE, handler: "ScrapeSpec" }, { deploymentId }),
    }, id), {
    key: id,
    world,
    ...(play.fault === undefined ? {} : { fault: play.fault }),
    ...(play.onWait === undefined ? {} : { onWait: play.onWait }),
    answer: async (to, input) => {
      if (to.service === BUILD_SERVICE) {
        const built: BuildResult = { kind: "built", image: "unkey.local/p:d", buildId: `${id}.1` };
        return world.signals.has("cancel") ? NO_ANSWER : play.build ?? built;
      }
      // The contract's type: what is asked was checked there.
      if (to.service === BUILD_SLOT_SERVICE) {
        return await askForSlot(db, world, to.key ?? "", input as AcquireRequest);
      }
      return orThrow(await execute((durable) => assign(durable, routing, id), { key: to.key ?? "", world }));
    },
  });
  await deliverSlotMessages(db, world, id);
  return played;
}

/** The routing workflow's collaborators over this database. */
export function routingDeps(db: CtrlDatabase, world: World): RoutingWorkflowDeps {
  const steps: RoutingSteps = createRoutingSteps({
    db,
    clock: worldClock(world),
    changes: recordingNotifier(),
    apex: "localhost",
    edgeUrl: "http://localhost:7070",
    edgeTimeoutMs: 30_000,
    graceMs: RETENTION.graceMs,
  });
  return { steps, retention: RETENTION };
}

/** Delivers every message that is due after `afterMs`, as Restate would, in the order of their times. */
export async function deliverStops(
  db: CtrlDatabase,
  world: World,
  afterMs: number,
): Promise<readonly string[]> {
  const isDue = (each: Sent): boolean => each.handler === "stop" && each.delayMs <= afterMs;
  const due = world.sent.filter(isDue);
  world.sent.splice(0, world.sent.length, ...world.sent.filter((each) => !isDue(each)));
  const outcomes: string[] = [];
  for (const { key, input } of due) {
    // The contract's type: what was sent was checked there.
    const request = input as StopRequest;
    const done = await execute((durable) => stop(durable, routingDeps(db, world), request), {
      key: key ?? "",
      world,
    });
    outcomes.push(orThrow(done).kind);
  }
  return outcomes;
}

export { assign, move };

/** The value, or the error thrown. */
export function orThrow<T>(execution: Execution<T>): T {
  if (!execution.result.ok) throw execution.result.error;
  return execution.result.value;
}
