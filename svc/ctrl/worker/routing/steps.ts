/** The effects of moving traffic: each is one transaction, guarded by what the caller saw before. */
import { transact } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import {
  findEnvironmentPointer,
  findRegionVersion,
  findRunningGradual,
  listAgents,
  listIdleDeployments,
  noteStops,
} from "../../internal/store/mod.ts";
import { assignInTransaction } from "./assign_step.ts";
import { moveInTransaction } from "./move_step.ts";
import { endUnusedInTransaction } from "./end_unused_step.ts";
import { stopByUserInTransaction, stopInTransaction } from "./stop_step.ts";
import type { RoutingDeps, RoutingSteps } from "./types.ts";

const IDLE_MAX = 100;

/** The steps over the database. */
export function createRoutingSteps(deps: RoutingDeps): RoutingSteps {
  const { db, clock, changes } = deps;
  return {
    readPointer: (environmentId) => findEnvironmentPointer(db.kysely, environmentId),

    async assign(environmentId, deploymentId, before) {
      const order = { environmentId, deploymentId, before, nowMs: clock.now() };
      const done = await transact(db, (tx) => assignInTransaction(tx, deps, order));
      if (done.kind === "ready") changes.changed([EDGE_REGION]);
      return done;
    },

    async move(environmentId, order, before) {
      const nowMs = clock.now();
      const done = await transact(
        db,
        (tx) => moveInTransaction(tx, deps, { environmentId, order, before, nowMs }),
      );
      if (done.kind === "moved") changes.changed([EDGE_REGION]);
      return done;
    },

    async listIdle(environmentId) {
      const idle = await listIdleDeployments(db.kysely, environmentId, IDLE_MAX);
      const gradual = await findRunningGradual(db.kysely, environmentId);
      return {
        idle: idle.filter(({ id }) => id !== gradual?.deployment_id),
        scheduleId: newId("request", clock.now()),
        edgeVersion: await findRegionVersion(db.kysely, EDGE_REGION),
      };
    },

    noteStops: (times) => transact(db, (tx) => noteStops(tx, times)),

    async countEdgesBehind(edgeVersion) {
      const sinceMs = clock.now() - deps.edgeTimeoutMs;
      const edges = await listAgents(db.kysely, { sinceMs, region: EDGE_REGION });
      return edges.filter((each) => each.applied_version < edgeVersion).length;
    },

    async stop(environmentId, deploymentId) {
      const order = { environmentId, deploymentId, nowMs: clock.now() };
      const { regions, outcome } = await transact(db, (tx) => stopInTransaction(tx, order));
      changes.changed(regions);
      return outcome;
    },

    async endUnused(environmentId, request) {
      const nowMs = clock.now();
      const { regions, outcome } = await transact(
        db,
        (tx) => endUnusedInTransaction(tx, { environmentId, request, nowMs }),
      );
      changes.changed(regions);
      return outcome;
    },

    async stopByUser(environmentId, order) {
      const nowMs = clock.now();
      changes.changed(
        await transact(db, (tx) => stopByUserInTransaction(tx, { environmentId, order, nowMs })),
      );
    },
  };
}
