/** The effects of moving traffic as the handlers see them, and the orders and results of each. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { PromoteOrder, RollbackOrder, StopByUserOrder } from "../../internal/workflows/messages.ts";
import type { AssignOutcome, EndUnusedRequest, StopOutcome } from "./contract.ts";
import type { Idle } from "./plan.ts";

/** The live deployment of an environment, and whether it is rolled back. */
export interface Pointer {
  readonly liveDeploymentId: string | undefined;
  readonly rolledBack: boolean;
}

/** The pointer has changed since the caller read it: read again. */
export interface Conflict {
  readonly kind: "conflict";
}

/** A promote or a rollback. */
export type MoveOrder =
  | { readonly kind: "promote" } & PromoteOrder
  | { readonly kind: "rollback" } & RollbackOrder;

export type AssignResult = AssignOutcome | Conflict;
export type MoveResult = Conflict | { readonly kind: "moved"; readonly hostnames: readonly string[] };

/** The result of a stop, and the regions whose feeds changed. */
export interface StopResult {
  readonly outcome: Exclude<StopOutcome, { kind: "obsolete" | "waiting" }>;
  readonly regions: readonly string[];
}

/** The effects that the routing handlers order. */
export interface RoutingSteps {
  /** @throws `not_found` when there is no such environment */
  readPointer(environmentId: string): Promise<Pointer>;
  /** Gives the deployment its names and makes it ready. */
  assign(environmentId: string, deploymentId: string, before: Pointer): Promise<AssignResult>;
  /**
   * Promotes, or rolls back.
   *
   * @throws `failed_precondition` with the gate's text
   */
  move(environmentId: string, order: MoveOrder, before: Pointer): Promise<MoveResult>;
  /** Ready deployments that serve nothing, with the id of a new schedule for their stops. */
  listIdle(environmentId: string): Promise<IdleDeployments>;
  /** Notes for people when deployments are to be stopped; `keep` serves. */
  noteStops(times: StopTimes): Promise<void>;
  /** The number of edges that are alive and have not acknowledged this version of their feed. */
  countEdgesBehind(edgeVersion: number): Promise<number>;
  /** Stops a deployment unless it serves. */
  stop(environmentId: string, deploymentId: string): Promise<StopResult["outcome"]>;
  /** Stops an unused deployment. */
  endUnused(environmentId: string, request: EndUnusedRequest): Promise<StopResult["outcome"]>;
  /** Stops a deployment on a user's request. @throws `failed_precondition` with the gate's text */
  stopByUser(environmentId: string, order: StopByUserOrder): Promise<void>;
}

/** The times of stops that were scheduled. */
export interface StopTimes {
  readonly keep: string;
  readonly stops: readonly { readonly deploymentId: string; readonly dueAtMs: number }[];
}

/** Deployments that may be stopped. */
export interface IdleDeployments {
  readonly idle: readonly Idle[];
  /** A name that no other schedule has. */
  readonly scheduleId: string;
  /** The edges' version by now; traffic has left these deployments at it. */
  readonly edgeVersion: number;
}

export interface RoutingDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly changes: ChangeNotifier;
  /** Host names end with it. */
  readonly apex: string;
  /** Scheme and port of shown URLs. */
  readonly edgeUrl: string;
  /** An edge whose last heartbeat is older routes nothing any more. */
  readonly edgeTimeoutMs: number;
  /** The time that requests on a deployment have to end after its traffic went. */
  readonly graceMs: number;
}
