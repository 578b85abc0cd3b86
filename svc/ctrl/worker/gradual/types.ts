/** The effects of a gradual switch as its handlers see them, and the results of each. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { AuditActor, CtrlDatabase } from "../../internal/store/mod.ts";
import type { GradualOrder } from "../../internal/workflows/messages.ts";

/** A deployment that has lost its share of the requests to the live one. */
export interface Lost {
  readonly environmentId: string;
  readonly deploymentId: string;
  readonly formerDeploymentId: string;
}

/** A gradual switch that runs. */
export interface Running extends Lost {
  readonly id: string;
  /** The index of its step, and the number of steps before the last. */
  readonly step: number;
  readonly steps: number;
  /** The actor who began it. */
  readonly actor: AuditActor;
}

/** The decision of a look. */
export type Look =
  | { readonly kind: "ended"; readonly lost?: Lost }
  | { readonly kind: "wait"; readonly delayMs: number }
  /** The time of the step is over. */
  | { readonly kind: "advance"; readonly running: Running }
  | { readonly kind: "abort"; readonly running: Running; readonly reason: string }
  /** Something else has moved the traffic: a process of a former release does not end gradual switches. */
  | { readonly kind: "settle"; readonly running: Running };

/** A step, or why there is none. */
export type Found =
  | { readonly kind: "running"; readonly running: Running }
  | { readonly kind: "ended"; readonly state: string };

/** An end of a gradual switch before its last step. */
export interface EndOrder {
  readonly state: "aborted" | "cancelled";
  readonly reason: string;
  readonly actor: AuditActor;
}

/** The effects that the handlers order. */
export interface GradualSteps {
  /** @throws `not_found`, `failed_precondition` with the gate's text */
  begin(id: string, order: GradualOrder): Promise<void>;
  /** Reads the evidence, notes it, and decides. */
  look(id: string): Promise<Look>;
  find(id: string): Promise<Found>;
  /** Goes on from this step to the next one. */
  advance(running: Running, actor: AuditActor): Promise<void>;
  end(id: string, end: EndOrder): Promise<void>;
  /** Ends one whose last step was done, or whose traffic another switch has; with a refusal also one that runs still. */
  settle(id: string, refusal: string | undefined): Promise<void>;
  /** A name that no other chain has. */
  newChain(): Promise<string>;
}

export interface GradualDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly changes: ChangeNotifier;
  /** An edge whose last heartbeat is older routes nothing any more. */
  readonly edgeTimeoutMs: number;
}
