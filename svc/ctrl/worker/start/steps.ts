/** The effects of a start. Each may run twice, and its second run finds its work done. */
import { transact } from "../../../../pkg/db/mod.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import { wantSentinels } from "../../internal/sentinels/mod.ts";
import { releaseStart } from "../../internal/store/mod.ts";
import { observe } from "../rollout/observe.ts";
import { beginInTransaction } from "./begin_step.ts";
import { finishInTransaction, undoInTransaction } from "./end_step.ts";
import type { StartDeps, StartSteps } from "./types.ts";

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

    observe: (id) => observe(deps, id, { isOver }),

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
