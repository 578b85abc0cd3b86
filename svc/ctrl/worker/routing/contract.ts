/** Who owns an environment's traffic, as its callers see it. */
import { iface } from "@restatedev/restate-sdk/fetch";
import type { EnvironmentId } from "../../../../pkg/uid/mod.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import { ROUTING_SERVICE } from "../../internal/workflows/names.ts";

/** A deployment whose instances run asks for its host names. */
export interface AssignRequest {
  readonly deploymentId: string;
}

/** What became of it. Only `ready` changed anything. */
export type AssignOutcome =
  | {
    readonly kind: "ready";
    /** Where the deployment answers, most specific first. */
    readonly hostnames: readonly string[];
    /** Whether it serves the environment now. */
    readonly live: boolean;
  }
  | { readonly kind: "host_taken"; readonly hostname: string }
  /** A cancel was asked for before traffic moved. */
  | { readonly kind: "cancelled" }
  /** Somebody else ended the deployment before traffic moved. */
  | { readonly kind: "ended"; readonly status: DeploymentStatus | "missing" };

export interface PromoteRequest {
  readonly targetDeploymentId: string;
}

export interface RollbackRequest {
  readonly sourceDeploymentId: string;
  readonly targetDeploymentId: string;
}

/** What a promote or rollback did. */
export interface SwitchOutcome {
  /** The deployment that served before; empty when there was none. */
  readonly previousDeploymentId: string;
  /** The host names that lead to the target now. */
  readonly hostnames: readonly string[];
}

/** A deployment that lost its traffic is to be stopped, unless it got traffic back or a newer schedule exists. */
export interface StopRequest {
  readonly deploymentId: string;
  /** Names this schedule; only the newest schedule of a deployment counts. */
  readonly scheduleId: string;
}

export type StopOutcome =
  | { readonly kind: "stopped" }
  /** Another schedule, or a switch back, has taken this one's place. */
  | { readonly kind: "obsolete" }
  | { readonly kind: "serving" }
  | { readonly kind: "not_ready" };

/** Moves an environment's traffic. */
export const RoutingService = iface.object(ROUTING_SERVICE, {
  assign: iface.json<AssignRequest, AssignOutcome>(),
  promote: iface.json<PromoteRequest, SwitchOutcome>(),
  rollback: iface.json<RollbackRequest, SwitchOutcome>(),
  stop: iface.json<StopRequest, StopOutcome>(),
});

/**
 * One object per environment: routes, the live pointer and the rolled-back flag of an environment have this one writer,
 * so a deploy that finishes, a promote, a rollback and a stop never interleave.
 */
export function routingKey(id: EnvironmentId | string): string {
  return id;
}
