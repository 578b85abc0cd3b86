/** The effects of a start as its workflow sees them, and the results of each. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { SentinelMaker } from "../../internal/sentinels/mod.ts";
import type { CtrlDatabase } from "../../internal/store/mod.ts";
import type { StartOrder, StartOutcome } from "../../internal/workflows/messages.ts";
import type { Observed } from "../rollout/observe.ts";
import type { Failure } from "../rollout/plan.ts";

/** A start that is under way, or the reason why it is not. */
export type Begun =
  | { readonly kind: "begun" }
  | Extract<StartOutcome, { kind: "busy" | "refused" | "ended" }>;

/** The deployment is ready at these host names, or a cancel came in time. */
export type Finished =
  | { readonly kind: "finished"; readonly hostnames: readonly string[] }
  | { readonly kind: "cancelled" };

/** The reason why a start is taken back. */
export type Undoing =
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly failure: Failure };

/** A start by its id. */
export interface StartCall {
  readonly startId: string;
  readonly order: StartOrder;
  readonly nowMs: number;
}

/** The effects that the workflow orders. */
export interface StartSteps {
  /** Wants the deployment to run in each of its former regions, unless another start does already. */
  begin(startId: string, order: StartOrder): Promise<Begun>;
  observe(deploymentId: string): Promise<Observed>;
  /** Makes it ready unless a cancel came before, and ends the start unless traffic is to move. */
  finish(startId: string, order: StartOrder): Promise<Finished>;
  /** Ends a start that has finished. */
  release(startId: string, deploymentId: string): Promise<void>;
  /** Restores the state before the start, unless the deployment serves by now. */
  undo(startId: string, order: StartOrder, why: Undoing): Promise<void>;
}

export interface StartDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly changes: ChangeNotifier;
  /** Scheme and port of shown URLs. */
  readonly edgeUrl: string;
  /** Regions of deployments that have never run. */
  readonly regions: readonly string[];
  readonly replicas: number;
  /** Proxies that environments get beside their deployments; `undefined`: none. */
  readonly sentinels?: SentinelMaker | undefined;
  /** A region whose agents' heartbeats are all older counts as unavailable. */
  readonly agentTimeoutMs: number;
}
