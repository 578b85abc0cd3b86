/** What goes to the workflows that move traffic, stop and start, and what comes back. JSON on the wire. */
import type { Refusal } from "../deployments/gates.ts";
import type { AuditActor } from "../store/mod.ts";

export interface PromoteOrder {
  readonly targetDeploymentId: string;
  readonly actor: AuditActor;
}

export interface RollbackOrder {
  readonly sourceDeploymentId: string;
  readonly targetDeploymentId: string;
  /** Whether it cancels the source: the rollback is what a cancel is once traffic has moved. */
  readonly cancels: boolean;
  readonly actor: AuditActor;
}

/** What a promote or rollback did. */
export interface SwitchOutcome {
  /** The deployment that served before; empty when there was none. */
  readonly previousDeploymentId: string;
  /** The host names that lead to the target now. */
  readonly hostnames: readonly string[];
}

/** A user wants the instances of a deployment gone. */
export interface StopByUserOrder {
  readonly deploymentId: string;
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

/** How a start ended. Unless it is `started` or `switched`, everything is as it was before. */
export type StartOutcome =
  | { readonly kind: "started"; readonly hostnames: readonly string[] }
  | { readonly kind: "switched"; readonly switched: SwitchOutcome }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "cancelled" }
  /** Another start of the deployment is under way. */
  | { readonly kind: "busy"; readonly startId: string }
  /** Somebody else ended the deployment meanwhile. */
  | { readonly kind: "ended"; readonly status: string };
