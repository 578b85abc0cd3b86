/** The effects of a gradual switch. Each may run twice, and its second run finds its work done. */
import { transact } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import { findGradualSwitch, type Tx } from "../../internal/store/mod.ts";
import { advanceInTransaction, endInTransaction, settleInTransaction } from "./act_step.ts";
import { beginInTransaction } from "./begin_step.ts";
import { lookAt, runningOf } from "./look_step.ts";
import type { GradualDeps, GradualSteps } from "./types.ts";

/** The steps over the database. */
export function createGradualSteps(deps: GradualDeps): GradualSteps {
  const { db, clock, changes } = deps;
  const announce = async (act: (tx: Tx) => Promise<unknown>): Promise<void> => {
    await transact(db, act);
    changes.changed([EDGE_REGION]);
  };
  const environmentOf = async (id: string): Promise<string> =>
    (await findGradualSwitch(db.kysely, id))?.environment_id ?? "";
  return {
    begin(id, order) {
      const nowMs = clock.now();
      return announce((tx) => beginInTransaction(tx, deps, { id, order, nowMs }));
    },

    look: (id) => lookAt(deps, id),

    async find(id) {
      const row = await findGradualSwitch(db.kysely, id);
      if (row === undefined) return { kind: "ended", state: "unknown" };
      return row.ended_at === null
        ? { kind: "running", running: runningOf(row) }
        : { kind: "ended", state: row.state };
    },

    advance(running, actor) {
      const nowMs = clock.now();
      return announce((tx) => advanceInTransaction(tx, deps, { running, actor, nowMs }));
    },

    async end(id, end) {
      const order = { id, environmentId: await environmentOf(id), end, nowMs: clock.now() };
      return await announce((tx) => endInTransaction(tx, deps, order));
    },

    async settle(id, refusal) {
      const order = { id, environmentId: await environmentOf(id), refusal, nowMs: clock.now() };
      return await announce((tx) => settleInTransaction(tx, deps, order));
    },

    newChain: () => Promise.resolve(newId("request", clock.now())),
  };
}
