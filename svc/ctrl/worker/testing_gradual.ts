/** A gradual switch of a test environment, with the messages that it sends. */
import {
  execute,
  type Execution,
  type Injected,
  newWorld,
  type World,
} from "../../../pkg/testkit/fake_durable.ts";
import { findGradualSwitch, type GradualSwitchesTable, recordTraffic } from "../internal/store/mod.ts";
import { countsOf } from "../internal/traffic/testing.ts";
import type { GradualOrder } from "../internal/workflows/messages.ts";
import type { LookRequest } from "./gradual/contract.ts";
import { createGradualSteps } from "./gradual/steps.ts";
import { abort, advance, begin, type GradualWorkflowDeps, look, watch } from "./gradual/workflow.ts";
import { orThrow, recordingNotifier, routingDeps, worldClock } from "./testing.ts";
import { actor, type TestEnvironment } from "./testing_environment.ts";
import type { RetireRequest } from "./routing/contract.ts";
import { retire } from "./routing/workflow.ts";

export const GRADUAL_ID = "gs_1";
const EVERY_MS = 60_000;

/** The gradual switch `id` of an environment with two deployments that run. */
export class TestGradual {
  readonly environment: TestEnvironment;
  readonly id: string;
  readonly world: World;
  readonly #deps: GradualWorkflowDeps;

  constructor(environment: TestEnvironment, id = GRADUAL_ID) {
    this.environment = environment;
    this.id = id;
    this.world = { ...newWorld(), nowMs: environment.world.nowMs };
    const { db } = environment;
    this.#deps = {
      steps: createGradualSteps({
        db,
        clock: worldClock(this.world),
        changes: recordingNotifier(),
        edgeTimeoutMs: 30_000,
      }),
    };
  }

  order(targetDeploymentId: string, changes: Partial<GradualOrder> = {}): GradualOrder {
    const environmentId = this.environment.seed.productionId;
    return {
      environmentId,
      targetDeploymentId,
      steps: [10, 50],
      everyMs: EVERY_MS,
      sticky: false,
      actor,
      ...changes,
    };
  }

  begin(
    targetDeploymentId: string,
    { fault, held = false, ...changes }: Partial<GradualOrder> & {
      readonly fault?: Injected;
      readonly held?: boolean;
    } = {},
  ): Promise<Execution<void>> {
    const { everyMs, ...rest } = this.order(targetDeploymentId, changes);
    const order = held || everyMs === undefined ? rest : { ...rest, everyMs };
    return this.#execute((durable) => begin(durable, this.#deps, order), fault);
  }

  advance(fault?: Injected): Promise<Execution<void>> {
    return this.#execute((durable) => advance(durable, this.#deps, { actor }), fault);
  }

  abort(fault?: Injected): Promise<Execution<void>> {
    return this.#execute((durable) => abort(durable, this.#deps, { actor }), fault);
  }

  watch(): Promise<Execution<void>> {
    return this.#execute((durable) => watch(durable, this.#deps));
  }

  /** Delivers the next look, after its delay. */
  async look(fault?: Injected): Promise<Execution<void>> {
    const at = this.world.sent.findIndex(({ handler }) => handler === "look");
    const [sent] = at === -1 ? [] : this.world.sent.splice(at, 1);
    if (sent === undefined) throw new Error("no look is ordered");
    this.world.nowMs += sent.delayMs;
    this.environment.world.nowMs = this.world.nowMs;
    // The contract's type: what was sent was checked there.
    const request = sent.input as LookRequest;
    return await this.#execute((durable) => look(durable, this.#deps, request), fault);
  }

  /** Looks until it has ended, or `count` times. */
  async looks(count: number): Promise<void> {
    for (let made = 0; made < count && this.isWatched; made++) {
      orThrow(await this.look());
      await this.deliver();
    }
  }

  get isWatched(): boolean {
    return this.world.sent.some(({ handler }) => handler === "look");
  }

  /** Delivers what was sent to the routing object. */
  async deliver(): Promise<void> {
    const { db, world } = this.environment;
    const sent = this.world.sent.filter(({ handler }) => handler === "retire");
    this.world.sent.splice(
      0,
      this.world.sent.length,
      ...this.world.sent.filter((each) => !sent.includes(each)),
    );
    for (const { key = "", input } of sent) {
      const request = input as RetireRequest;
      orThrow(await execute((durable) => retire(durable, routingDeps(db, world), request), { key, world }));
    }
  }

  /** Requests of a deployment in the interval of 10 s that is over. */
  async count(deploymentId: string, requests: number, failed = 0): Promise<void> {
    const startedAtMs = Math.floor(this.world.nowMs / 10_000 - 1) * 10_000;
    await recordTraffic(this.environment.db.kysely, {
      processId: `p${this.world.nowMs}`,
      region: "local",
      startedAtMs,
      mark: "m",
      deployments: [{
        deploymentId,
        counts: countsOf(requests, { responses: [0, requests - failed, 0, 0, failed] }),
      }],
    });
  }

  async row(): Promise<GradualSwitchesTable> {
    const row = await findGradualSwitch(this.environment.db.kysely, this.id);
    if (row === undefined) throw new Error("there is no gradual switch");
    return row;
  }

  async state(): Promise<string> {
    const { state, step, reason } = await this.row();
    return state === "running" ? `running ${step}` : `${state}: ${reason}`;
  }

  #execute(body: Parameters<typeof execute<void>>[0], fault?: Injected): Promise<Execution<void>> {
    return execute(body, {
      key: this.id,
      world: this.world,
      ...(fault === undefined ? {} : { fault }),
      answer: async (_to, input) => {
        this.environment.world.nowMs = this.world.nowMs;
        // Only a promote is called.
        const order = input as Parameters<typeof this.environment.move>[0];
        return orThrow(await this.environment.move({ ...order, kind: "promote" } as typeof order));
      },
    });
  }
}
