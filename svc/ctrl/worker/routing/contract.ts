/** The owner of an environment's traffic, as its callers see it. */
import { iface } from "@restatedev/restate-sdk/fetch";
import type { EnvironmentId } from "../../../../pkg/uid/mod.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import type {
  PromoteOrder,
  RollbackOrder,
  StopByUserOrder,
  SwitchOutcome,
} from "../../internal/workflows/messages.ts";
import { ROUTING_SERVICE } from "../../internal/workflows/names.ts";

/** A deployment whose instances run asks for its host names. */
export interface AssignRequest {
  readonly deploymentId: string;
}

/** Only `ready` changed anything. */
export type AssignOutcome =
  | {
    readonly kind: "ready";
    /** Where the deployment answers, most specific first. */
    readonly hostnames: readonly string[];
    /** True when it serves the environment now. */
    readonly live: boolean;
  }
  | { readonly kind: "host_taken"; readonly hostname: string }
  /** A cancel was asked for before traffic moved. */
  | { readonly kind: "cancelled" }
  /** The deployment was ended before traffic moved. */
  | { readonly kind: "ended"; readonly status: DeploymentStatus | "missing" };

/** A deployment that lost its traffic is to be stopped, unless it got traffic back or a newer schedule exists. */
export interface StopRequest {
  readonly deploymentId: string;
  /** Names this schedule; only the newest schedule of a deployment counts. */
  readonly scheduleId: string;
  /** The edges' version at which traffic had left it. An edge below it may still send requests there. */
  readonly edgeVersion: number;
  /** Until when to wait for the edges. */
  readonly edgesUntilMs: number;
}

/** A deployment that seems unused is to be stopped, unless it got a request meanwhile. */
export interface EndUnusedRequest {
  readonly deploymentId: string;
  /** The operator's limit, for an environment without one of its own; 0: never. */
  readonly operatorSeconds: number;
  /** Beyond the limit, for reports of requests that are under way. */
  readonly marginMs: number;
}

/** A deployment has lost a part of the traffic that it had beside the live one. */
export interface RetireRequest {
  readonly displaced: string;
  /** The live deployment. */
  readonly keep: string;
}

export type StopOutcome =
  | { readonly kind: "stopped" }
  /** Another schedule, or a switch back, has taken this one's place. */
  | { readonly kind: "obsolete" }
  /** An edge is behind: the same schedule was put off. */
  | { readonly kind: "waiting" }
  /** It serves again, or a start of it is under way. */
  | { readonly kind: "serving" }
  /** It is used, or is to run whether it is used or not. */
  | { readonly kind: "used" }
  | { readonly kind: "not_ready" };

/** Moves an environment's traffic. */
export const RoutingService = iface.object(ROUTING_SERVICE, {
  assign: iface.json<AssignRequest, AssignOutcome>(),
  promote: iface.json<PromoteOrder, SwitchOutcome>(),
  rollback: iface.json<RollbackOrder, SwitchOutcome>(),
  /** Schedules the stops of deployments that serve nothing, because one of them has lost its traffic. */
  retire: iface.json<RetireRequest, void>(),
  /** A stop that was scheduled. */
  stop: iface.json<StopRequest, StopOutcome>(),
  /** A stop of a preview without requests. */
  endUnused: iface.json<EndUnusedRequest, StopOutcome>(),
  /** A stop that a user asks for. */
  stopByUser: iface.json<StopByUserOrder, void>(),
});

/**
 * One object per environment: routes, the live pointer and the rolled-back flag of an environment have this one writer,
 * so a deploy that finishes, a promote, a rollback and a stop never interleave.
 */
export function routingKey(id: EnvironmentId | string): string {
  return id;
}
