/** How far the events of deployments are, for those who wait for more. */
import type { DeploymentStatus } from "../deployments/status.ts";
import type { Queryable } from "./database.ts";

/** How far a deployment's events are. */
export interface EventHead {
  readonly id: string;
  /** The newest event; 0 before the first. */
  readonly sequence: number;
  readonly status: DeploymentStatus;
}

/** The heads of those of `ids` that exist; by primary key. */
export async function listEventHeads(db: Queryable, ids: readonly string[]): Promise<EventHead[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("deployments").select(["id", "next_event_sequence", "status"])
    .where("id", "in", [...ids]).execute();
  return rows.map(({ id, next_event_sequence, status }) => ({
    id,
    sequence: next_event_sequence - 1,
    status,
  }));
}
