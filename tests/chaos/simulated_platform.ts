/** The real use cases, workflows and steps over a database in memory, with simulated agents, builds and waiting. */
import type { Clock } from "../../pkg/clock/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { parseId } from "../../pkg/uid/mod.ts";
import type { RootKeyPrincipal } from "../../svc/ctrl/internal/auth/principal.ts";
import { type Seed, seedDeployment, seedProject } from "../../svc/ctrl/internal/store/testing.ts";
import {
  type CtrlDatabase,
  DeploymentViewCache,
  findStart,
  recordAgents,
  replaceReported,
} from "../../svc/ctrl/internal/store/mod.ts";
import type {
  StartOrder,
  StartOutcome,
  SwitchOutcome,
  Workflows,
} from "../../svc/ctrl/internal/workflows/mod.ts";
import {
  BUILD_SERVICE,
  BUILD_SLOT_SERVICE,
  DEPLOYMENT_SERVICE,
  ROUTING_SERVICE,
  START_SERVICE,
} from "../../svc/ctrl/internal/workflows/names.ts";
import type { DeploymentDeps } from "../../svc/ctrl/services/deployment/deps.ts";
import { StreamShares } from "../../svc/ctrl/internal/limits/mod.ts";
import { LogHub } from "../../svc/ctrl/internal/logs/mod.ts";
import { EventHub } from "../../svc/ctrl/services/deployment/event_hub.ts";
import { WorkspaceHub } from "../../svc/ctrl/services/deployment/workspace_hub.ts";
import { createDeploymentReader } from "../../svc/ctrl/services/deployment/reader.ts";
import { createDeploySteps } from "../../svc/ctrl/worker/deploy/steps.ts";
import { slotSignal } from "../../svc/ctrl/worker/deploy/queue_stage.ts";
import { type BuildResult, deploy, SWITCHED } from "../../svc/ctrl/worker/deploy/workflow.ts";
import {
  IMAGE_RULES,
  instanceReport,
  LIMITS,
  RECHECK_MS,
  recordingNotifier,
  REGION,
  RETENTION,
  worldClock,
} from "../../svc/ctrl/worker/testing.ts";
import { announceChange, CANCEL } from "../../svc/ctrl/worker/rollout/wait.ts";
import { createRoutingSteps } from "../../svc/ctrl/worker/routing/steps.ts";
import { assign, move, stop, stopByUser } from "../../svc/ctrl/worker/routing/workflow.ts";
import { SLOTS_ON_FAKE, slotSteps } from "../../svc/ctrl/worker/testing_slots.ts";
import { acquire, release } from "../../svc/ctrl/worker/slots/workflow.ts";
import { createStartSteps } from "../../svc/ctrl/worker/start/steps.ts";
import { start } from "../../svc/ctrl/worker/start/workflow.ts";
import { Simulation } from "./simulation.ts";
import { NO_SPANS } from "../../svc/ctrl/internal/traces/testing.ts";

const BUILD_MS_MAX = 600_000;
const QUEUE_MS = 3_600_000;

/** One environment of one project, and everything that happens to it. */
export class SimulatedPlatform {
  readonly sim: Simulation;
  readonly db: CtrlDatabase;
  readonly seed: Seed;
  readonly deps: DeploymentDeps;
  readonly caller: RootKeyPrincipal;
  readonly ids: string[] = [];
  /** The api's cached views of an unlucky moment: they stay until their revision changes. */
  readonly memory = new DeploymentViewCache({ now: () => 0, sleep: () => Promise.resolve() });
  readonly #random: () => number;
  /** The agent's last report. */
  readonly #reported = new Map<string, string>();

  private constructor(db: CtrlDatabase, seed: Seed, random: () => number) {
    this.db = db;
    this.seed = seed;
    this.#random = random;
    this.sim = new Simulation(random);
    this.caller = {
      kind: "root_key",
      workspaceId: parseId("workspace", "id", seed.workspaceId),
      keyId: "key_1",
      keyName: "simulated",
      permissions: new Set(["*"]),
    };
    const clock = worldClock(this.sim);
    this.#bind(clock);
    this.deps = {
      db,
      clock,
      log: silentLogger(),
      objects: {} as DeploymentDeps["objects"],
      vault: {} as DeploymentDeps["vault"],
      workflows: this.#workflows(),
      notifier: { changed: () => undefined },
      events: new EventHub({ db, clock, log: silentLogger() }),
      workspaces: new WorkspaceHub({ db, clock, log: silentLogger() }),
      logs: new LogHub({ db, clock }),
      spans: NO_SPANS,
      reader: createDeploymentReader({ db: db.kysely, clock }),
      uploads: { bytesMax: 1, workspaceBytesMax: 100, workspaceCountMax: 100 },
      streams: new StreamShares(db.kysely),
      apps: { stopSecondsMax: 300, ephemeralStorageMibMax: 20_480, replicasMax: 10 },
      sizes: {
        initial: { cpuMillicores: 256, memoryMib: 256, replicas: 0 },
        max: { cpuMillicores: 8_000, memoryMib: 16_384, replicas: 20 },
      },
      edgeUrl: "http://localhost:7070",
    };
  }

  static async make(db: CtrlDatabase, random: () => number): Promise<SimulatedPlatform> {
    return new SimulatedPlatform(db, await seedProject(db), random);
  }

  /** A new deployment, with or without a build, of which some fail. */
  async create(): Promise<string> {
    const built = this.#random() < 0.5;
    const changes = built
      ? { source: "context", image: null, build_context_path: "p/u.tar.gz", dockerfile_path: "" } as const
      : {};
    const { id } = await seedDeployment(this.db, this.seed, {
      ...changes,
      git_commit_sha: crypto.randomUUID().replaceAll("-", ""),
    });
    this.ids.push(id);
    await this.deps.workflows.submitDeploy(parseId("deployment", "id", id));
    return id;
  }

  /** The agent looks at one deployment, makes it as it should be, or finds that it crashes, and reports. */
  async agentTurn(): Promise<void> {
    const heard = { agentId: "agent", region: REGION, nowMs: this.sim.nowMs };
    await transact(this.db, (tx) => recordAgents(tx, [heard]));
    const rows = await this.db.kysely.selectFrom("deployment_topology").select([
      "deployment_id",
      "desired_status",
    ])
      .where("deployment_id", "in", [...this.ids, ""]).execute();
    const behind = rows.filter((row) =>
      (this.#reported.get(row.deployment_id) ?? "stopped") !== row.desired_status
    );
    const row = behind[Math.floor(this.#random() * behind.length)];
    if (row === undefined) return;
    const { deployment_id: id, desired_status: desired } = row;
    this.#reported.set(id, desired);
    const crashed = { status: "failed", reason: "crash_loop", exit_code: 1, address: "" } as const;
    const instances = desired === "stopped" ? [] : [instanceReport(this.#random() < 0.15 ? crashed : {})];
    await transact(this.db, (tx) =>
      replaceReported(tx, {
        deploymentId: id,
        workspaceId: this.seed.workspaceId,
        projectId: this.seed.projectId,
        region: REGION,
        generation: 0,
        instances: instances.map((each) => ({ ...each, k8s_name: `${id}-${each.k8s_name}` })),
        nowMs: this.sim.nowMs,
      }));
    const startId = await findStart(this.db.kysely, id);
    const to = startId === undefined
      ? { service: DEPLOYMENT_SERVICE, key: id }
      : { service: START_SERVICE, key: startId };
    void this.sim.call({ ...to, handler: "instancesChanged" }, undefined);
  }

  #workflows(): Workflows {
    const { sim } = this;
    const send = (service: string, key: string, handler: string, input?: unknown): Promise<void> => {
      void sim.call({ service, key, handler }, input);
      return Promise.resolve();
    };
    const route = (key: string, handler: string, input: unknown): Promise<unknown> =>
      sim.call({ service: ROUTING_SERVICE, key, handler }, input);
    // The types are those of the contracts: what is bound below is what they declare.
    return {
      submitDeploy: (id) => send(DEPLOYMENT_SERVICE, id, "run", { deploymentId: id }),
      cancelDeploy: (id) => send(DEPLOYMENT_SERVICE, id, "cancel"),
      instancesChanged: (id) => send(DEPLOYMENT_SERVICE, id, "instancesChanged"),
      promote: (id, order) => route(id, "promote", order) as Promise<SwitchOutcome>,
      rollback: (id, order) => route(id, "rollback", order) as Promise<SwitchOutcome>,
      beginGradual: () => Promise.reject(new Error("this platform has no gradual switches")),
      advanceGradual: () => Promise.reject(new Error("this platform has no gradual switches")),
      abortGradual: () => Promise.reject(new Error("this platform has no gradual switches")),
      watchGradual: () => Promise.reject(new Error("this platform has no gradual switches")),
      stopByUser: (id, order) => route(id, "stopByUser", order) as Promise<void>,
      start: (id, order) =>
        sim.call({ service: START_SERVICE, key: id, handler: "run" }, order) as Promise<StartOutcome>,
      awaitStart: (id) =>
        sim.call({ service: START_SERVICE, key: id, handler: "run" }, undefined) as Promise<StartOutcome>,
      cancelStart: (id) => send(START_SERVICE, id, "cancel"),
      startChanged: (id) => send(START_SERVICE, id, "instancesChanged"),
      processCertificate: () => Promise.reject(new Error("this platform has no certificates")),
      verifyDomain: () => Promise.reject(new Error("this platform has no custom domains")),
    };
  }

  #bind(clock: Clock): void {
    const { db, sim } = this;
    const changes = recordingNotifier();
    const placement = { regions: [REGION], replicas: 1, agentTimeoutMs: 1_000_000_000_000 };
    const edgeUrl = "http://localhost:7070";
    const routing = {
      steps: createRoutingSteps({
        db,
        clock,
        changes,
        apex: "localhost",
        edgeUrl,
        edgeTimeoutMs: 30_000,
        graceMs: 30_000,
      }),
      retention: RETENTION,
    };
    sim.object(ROUTING_SERVICE, {
      assign: (durable, { deploymentId }: { deploymentId: string }) => assign(durable, routing, deploymentId),
      promote: (durable, order: object) =>
        move(durable, routing, { kind: "promote", ...order } as Parameters<typeof move>[2]),
      rollback: (durable, order: object) =>
        move(durable, routing, { kind: "rollback", ...order } as Parameters<typeof move>[2]),
      stop: (durable, request) => stop(durable, routing, request),
      stopByUser: (durable, order) => stopByUser(durable, routing, order),
    });
    const slots = slotSteps(db, sim, { buildsMax: 2 });
    sim.object(BUILD_SLOT_SERVICE, {
      acquire: (durable, request) => acquire(durable, slots, request),
      release: (durable, request) => release(durable, slots, request),
    });
    sim.object(BUILD_SERVICE, {
      BuildDockerImage: async (durable, { deploymentId }: { deploymentId: string }): Promise<BuildResult> => {
        const fails = this.#random() < 0.2;
        await durable.sleep("build", Math.ceil(this.#random() * BUILD_MS_MAX));
        return fails
          ? { kind: "failed", failure: { code: "build_failed", message: "no" } }
          : { kind: "built", image: `unkey.local/p:${deploymentId}`, buildId: `${deploymentId}.1` };
      },
    });
    const deploySteps = createDeploySteps({
      spans: NO_SPANS,
      apex: "localhost",
      db,
      clock,
      changes,
      ...IMAGE_RULES,
      ...placement,
    });
    sim.workflow(DEPLOYMENT_SERVICE, (durable) =>
      deploy(durable, {
        steps: deploySteps,
        limits: LIMITS,
        recheckMs: RECHECK_MS,
        slots: SLOTS_ON_FAKE,
        queueMs: QUEUE_MS,
        build: async (durable, order, cancel) => {
          const to = { service: BUILD_SERVICE, handler: "BuildDockerImage", key: order.deploymentId };
          const raced = await durable.callUnless<unknown, BuildResult>(to, order, [cancel]);
          return raced.kind === "signalled" ? { kind: "cancelled" } : raced.value;
        },
        assign: (durable, key, deploymentId) =>
          durable.call({ service: ROUTING_SERVICE, handler: "assign", key }, { deploymentId }),
        scrape: () => Promise.resolve(),
      }, durable.key), {
      instancesChanged: announceChange,
      slotOffered: (shared, { ticket }: { ticket: number }) => shared.signal(slotSignal(ticket)),
      cancel: async (shared) => {
        if (await shared.get<boolean>(SWITCHED) !== true) await shared.signal(CANCEL);
      },
    });
    const startDeps = {
      steps: createStartSteps({ db, clock, changes, edgeUrl, ...placement }),
      limits: LIMITS,
      recheckMs: RECHECK_MS,
      switchTraffic: (durable: Parameters<typeof start>[0], order: StartOrder): Promise<SwitchOutcome> => {
        const { deploymentId: targetDeploymentId, environmentId: key, then, actor } = order;
        const input = { targetDeploymentId, actor, ...then };
        return durable.call({ service: ROUTING_SERVICE, handler: then.kind, key }, input);
      },
    };
    sim.workflow(START_SERVICE, (durable, order: StartOrder) => start(durable, startDeps, order), {
      instancesChanged: announceChange,
      cancel: (shared) => shared.signal(CANCEL),
    });
  }
}
