/** Places in the queue of builds, as the API shows them. */
import { compareTurns, type RunningBuild } from "../../deployments/queue.ts";
import { type BuildSlotView, countsInQueue, listBuildSlots } from "../build_slots.ts";
import type { Queryable } from "../database.ts";
import type { QueuePlace } from "./types.ts";

/** The places of all who wait in these workspaces, by deployment. One statement, and none for no workspace. */
export async function listQueuePlaces(
  db: Queryable,
  workspaceIds: Iterable<string>,
): Promise<ReadonlyMap<string, QueuePlace>> {
  const places = new Map<string, QueuePlace>();
  const rows = (await listBuildSlots(db, [...new Set(workspaceIds)])).filter(countsInQueue);
  for (const queue of Map.groupBy(rows, (row) => row.workspace_id).values()) {
    const running = queue.filter((row) => row.state !== "waiting").map(toRunning);
    const waiting = queue.filter((row) => row.state === "waiting").map(toTurn).sort(compareTurns);
    for (const [ahead, { id, enqueuedAtMs }] of waiting.entries()) {
      places.set(id, { ahead, running, queuedAt: enqueuedAtMs });
    }
  }
  return places;
}

function toTurn(row: BuildSlotView) {
  return { id: row.deployment_id, turnAtMs: row.turn_at, enqueuedAtMs: row.enqueued_at };
}

function toRunning(row: BuildSlotView): RunningBuild {
  return {
    id: row.deployment_id,
    project: row.project_slug ?? "",
    environment: row.environment_slug ?? "",
  };
}
