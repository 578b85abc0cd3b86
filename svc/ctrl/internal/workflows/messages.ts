/** Orders to the workflows that move traffic, stop and start, and their outcomes. JSON on the wire. */
import type { Refusal } from "../deployments/gates.ts";
import type { AuditActor } from "../store/mod.ts";

export interface PromoteOrder {
  readonly targetDeploymentId: string;
  /** The last step of this gradual switch, which must still run; absent: a promote at once, which ends any. */
  readonly gradualSwitchId?: string;
  readonly actor: AuditActor;
}

export interface RollbackOrder {
  readonly sourceDeploymentId: string;
  readonly targetDeploymentId: string;
  /** True for a cancel of the source: once traffic has moved, a cancel is a rollback. */
  readonly cancels: boolean;
  readonly actor: AuditActor;
}

/** Outcome of a promote or rollback. */
export interface SwitchOutcome {
  /** The deployment that served before; empty when there was none. */
  readonly previousDeploymentId: string;
  /** The host names that lead to the target now. */
  readonly hostnames: readonly string[];
}

/** A deployment is to get more and more of its environment's requests. */
export interface GradualOrder {
  readonly environmentId: string;
  readonly targetDeploymentId: string;
  /** Shares in percent that grow; the last step, all requests, follows them. */
  readonly steps: readonly number[];
  /** Absent: a person orders each step. */
  readonly everyMs?: number;
  /** Clients stay with their version. */
  readonly sticky: boolean;
  readonly actor: AuditActor;
}

/** A person orders the next step, or the end, of a gradual switch. */
export interface GradualAct {
  readonly actor: AuditActor;
}

/** A user wants the instances of a deployment gone. */
export interface StopByUserOrder {
  readonly deploymentId: string;
  /** Also when names lead to it; absent from orders of older processes. */
  readonly confirmed?: boolean;
  /** The branch that it was deployed from is gone; absent: the user has other reasons. */
  readonly because?: "branch_gone";
  readonly actor: AuditActor;
}

/** A deployment that does not run is to run, and then perhaps to serve. */
export interface StartOrder {
  readonly deploymentId: string;
  readonly environmentId: string;
  readonly then:
    | { readonly kind: "nothing" }
    | { readonly kind: "promote" }
    | { readonly kind: "rollback"; readonly sourceDeploymentId: string; readonly cancels: boolean };
  readonly actor: AuditActor;
}

/** Outcome of a start. Unless it is `started` or `switched`, everything is as it was before. */
export type StartOutcome =
  | { readonly kind: "started"; readonly hostnames: readonly string[] }
  | { readonly kind: "switched"; readonly switched: SwitchOutcome }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "cancelled" }
  /** Another start of the deployment is under way. */
  | { readonly kind: "busy"; readonly startId: string }
  /** Another call ended the deployment meanwhile. */
  | { readonly kind: "ended"; readonly status: string };
