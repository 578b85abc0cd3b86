/** The effects of moving traffic: each is one transaction, guarded by what the caller saw before. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { type ChangeNotifier, EDGE_REGION } from "../../internal/changes/mod.ts";
import {
  type CtrlDatabase,
  findEnvironmentPointer,
  findRegionVersion,
  listAgents,
  listIdleDeployments,
} from "../../internal/store/mod.ts";
import type { StopByUserOrder } from "../../internal/workflows/messages.ts";
import { assignInTransaction, type AssignStep } from "./assign_step.ts";
import { moveInTransaction, type MoveOrder, type MoveStep } from "./move_step.ts";
import type { Idle } from "./plan.ts";
import { stopByUserInTransaction, stopInTransaction, type StopStep } from "./stop_step.ts";

/** Who serves an environment. */
export interface Pointer {
  readonly liveDeploymentId: string | undefined;
  readonly rolledBack: boolean;
}

/** The pointer was not what the caller saw: look again. */
export interface Conflict {
  readonly kind: "conflict";
}

/** The effects that the routing handlers order. */
export interface RoutingSteps {
  /** @throws `not_found` when there is no such environment */
  readPointer(environmentId: string): Promise<Pointer>;
  /** Gives the deployment its names and makes it ready. */
  assign(environmentId: string, deploymentId: string, before: Pointer): Promise<AssignStep>;
  /**
   * Promotes, or rolls back.
   *
   * @throws `failed_precondition` with the gate's text
   */
  move(environmentId: string, order: MoveOrder, before: Pointer): Promise<MoveStep>;
  /** Ready deployments that serve nothing, with what the schedule of their stops is known by. */
  listIdle(environmentId: string): Promise<IdleDeployments>;
  /** How many edges are alive and have not acknowledged this version of their feed. */
  countEdgesBehind(edgeVersion: number): Promise<number>;
  /** Stops a deployment unless it serves. */
  stop(environmentId: string, deploymentId: string): Promise<StopStep["outcome"]>;
  /** Stops a deployment because a user wants it. @throws `failed_precondition` with the gate's text */
  stopByUser(environmentId: string, order: StopByUserOrder): Promise<void>;
}

/** What may be stopped. */
export interface IdleDeployments {
  readonly idle: readonly Idle[];
  /** A name that no other schedule has. */
  readonly scheduleId: string;
  /** The edges' version by now; traffic has left these deployments at it. */
  readonly edgeVersion: number;
}

/** What the steps work with. */
export interface RoutingDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly changes: ChangeNotifier;
  /** Host names end with it. */
  readonly apex: string;
  /** Scheme and port of shown URLs. */
  readonly edgeUrl: string;
  /** An edge that was not heard for so long routes nothing any more. */
  readonly edgeTimeoutMs: number;
}

const IDLE_MAX = 100;

/** The steps over the database. */
export function createRoutingSteps(deps: RoutingDeps): RoutingSteps {
  const { db, clock, changes } = deps;
  return {
    readPointer: (environmentId) => findEnvironmentPointer(db.kysely, environmentId),

    async assign(environmentId, deploymentId, before) {
      const order = { environmentId, deploymentId, before, nowMs: clock.now() };
      const done = await transact(db, (tx) => assignInTransaction(tx, deps, order));
      if (done.kind === "ready") changes.changed([EDGE_REGION]);
      return done;
    },

    async move(environmentId, order, before) {
      const nowMs = clock.now();
      const done = await transact(
        db,
        (tx) => moveInTransaction(tx, deps, { environmentId, order, before, nowMs }),
      );
      if (done.kind === "moved") changes.changed([EDGE_REGION]);
      return done;
    },

    listIdle: async (environmentId) => ({
      idle: await listIdleDeployments(db.kysely, environmentId, IDLE_MAX),
      scheduleId: newId("request", clock.now()),
      edgeVersion: await findRegionVersion(db.kysely, EDGE_REGION),
    }),

    async countEdgesBehind(edgeVersion) {
      const sinceMs = clock.now() - deps.edgeTimeoutMs;
      const edges = await listAgents(db.kysely, { sinceMs, region: EDGE_REGION });
      return edges.filter((each) => each.applied_version < edgeVersion).length;
    },

    async stop(environmentId, deploymentId) {
      const order = { environmentId, deploymentId, nowMs: clock.now() };
      const { regions, outcome } = await transact(db, (tx) => stopInTransaction(tx, order));
      changes.changed(regions);
      return outcome;
    },

    async stopByUser(environmentId, order) {
      const nowMs = clock.now();
      changes.changed(
        await transact(db, (tx) => stopByUserInTransaction(tx, { environmentId, order, nowMs })),
      );
    },
  };
}
