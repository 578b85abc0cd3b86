/** The effects of a start. Each may run twice, and its second run finds its work done. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import { type SentinelMaker, wantSentinels } from "../../internal/sentinels/mod.ts";
import { type CtrlDatabase, releaseStart } from "../../internal/store/mod.ts";
import type { StartOrder, StartOutcome } from "../../internal/workflows/messages.ts";
import { observe, type Observed } from "../rollout/observe.ts";
import type { Failure } from "../rollout/wait.ts";
import { beginInTransaction } from "./begin_step.ts";
import { finishInTransaction, undoInTransaction } from "./end_step.ts";

/** The start is under way, or is none. */
export type Begun =
  | { readonly kind: "begun" }
  | Extract<StartOutcome, { kind: "busy" | "refused" | "ended" }>;

/** The deployment is ready, with where it answers, or a cancel came in time. */
export type Finished =
  | { readonly kind: "finished"; readonly hostnames: readonly string[] }
  | { readonly kind: "cancelled" };

/** Why a start is taken back. */
export type Undoing =
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly failure: Failure };

/** The effects that the workflow orders. */
export interface StartSteps {
  /** Wants the deployment to run wherever it ran before, unless another start does already. */
  begin(startId: string, order: StartOrder): Promise<Begun>;
  observe(deploymentId: string): Promise<Observed>;
  /** Makes it ready unless a cancel came before, and ends the start unless traffic is to move. */
  finish(startId: string, order: StartOrder): Promise<Finished>;
  /** Ends a start that came to its end. */
  release(startId: string, deploymentId: string): Promise<void>;
  /** Makes everything as it was before, unless the deployment serves by now. */
  undo(startId: string, order: StartOrder, why: Undoing): Promise<void>;
}

/** What the steps work with. */
export interface StartDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly changes: ChangeNotifier;
  /** Scheme and port of shown URLs. */
  readonly edgeUrl: string;
  /** Where deployments run that ran nowhere before. */
  readonly regions: readonly string[];
  readonly replicas: number;
  /** Proxies that environments get beside their deployments; `undefined`: none. */
  readonly sentinels?: SentinelMaker | undefined;
  /** An agent that was not heard for so long is silent. */
  readonly agentTimeoutMs: number;
}

/** The steps over the database. */
export function createStartSteps(deps: StartDeps): StartSteps {
  const { db, clock, changes } = deps;
  return {
    async begin(startId, order) {
      const { deploymentId } = order;
      const sentinels = await wantSentinels(deps.sentinels, { ...deps, deploymentId });
      const nowMs = clock.now();
      const { begun, regions } = await transact(
        db,
        (tx) => beginInTransaction(tx, deps, { startId, order, sentinels, nowMs }),
      );
      changes.changed(regions);
      return begun;
    },

    observe: (id) => observe(deps, id, isOver),

    async finish(startId, order) {
      const nowMs = clock.now();
      return await transact(db, (tx) => finishInTransaction(tx, deps, { startId, order, nowMs }));
    },

    release: (startId, deploymentId) => releaseStart(db.kysely, deploymentId, startId),

    async undo(startId, order, why) {
      const nowMs = clock.now();
      changes.changed(await transact(db, (tx) => undoInTransaction(tx, { startId, order, why, nowMs })));
    },
  };
}

/** While a start is under way the deployment is `deploying`, or `ready` when only its instances were missing. */
function isOver(status: DeploymentStatus): boolean {
  return status !== "deploying" && status !== "ready";
}
