/** Api processes that are nudged after commits in other processes, each for as long as its lease; and workers. */
import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";
import type { WorkerProcessesTable } from "./schema_regions.ts";

/** Routes have the protection of their visitors. */
export const PROTECTION_REVISION = 1;
/** Routes say that their deployment can be woken. */
export const SLEEP_REVISION = 2;
/** Counts additions to the feed of the edges; api processes and edges of this release know all of them. */
export const FEED_REVISION = SLEEP_REVISION;

/** Registers a process, or renews its lease. */
export async function leaseApiProcess(
  db: Queryable,
  process: { readonly id: string; readonly nudgeUrl: string; readonly leaseExpiresAtMs: number },
): Promise<void> {
  await upsert(db, "api_processes", [{
    id: process.id,
    nudge_url: process.nudgeUrl,
    lease_expires_at: process.leaseExpiresAtMs,
    feed_revision: FEED_REVISION,
  }], { key: ["id"], update: ["nudge_url", "lease_expires_at"] });
}

/** Removes a process that stops. */
export async function removeApiProcess(db: Queryable, id: string): Promise<void> {
  await db.deleteFrom("api_processes").where("id", "=", id).execute();
}

/** A process whose lease holds at `nowMs`, and which puts less than this into the feed of the edges. Index on the lease. */
export async function findEarlierApiProcess(
  db: Queryable,
  { feedRevision, nowMs }: { readonly feedRevision: number; readonly nowMs: number },
): Promise<string | undefined> {
  const row = await db.selectFrom("api_processes").select("id").where("lease_expires_at", ">", nowMs)
    .where("feed_revision", "<", feedRevision).orderBy("id").executeTakeFirst();
  return row?.id;
}

/** Nudge URLs of the processes whose lease holds at `nowMs`. Index on the lease. */
export async function listNudgeUrls(db: Queryable, nowMs: number): Promise<string[]> {
  const rows = await db.selectFrom("api_processes").select("nudge_url")
    .where("lease_expires_at", ">", nowMs).orderBy("id").execute();
  return rows.map((row) => row.nudge_url);
}

/** Removes processes whose lease ended before `nowMs`. */
export async function removeExpiredApiProcesses(db: Queryable, nowMs: number): Promise<void> {
  await db.deleteFrom("api_processes").where("lease_expires_at", "<", nowMs).execute();
}

/** Notes the heartbeat of a worker. */
export async function recordWorker(db: Queryable, worker: WorkerProcessesTable): Promise<void> {
  await upsert(db, "worker_processes", [worker], { key: ["id"], update: ["last_seen_at"] });
}

/** Removes a worker that stops. */
export async function removeWorker(db: Queryable, id: string): Promise<void> {
  await db.deleteFrom("worker_processes").where("id", "=", id).execute();
}

/** Workers with a heartbeat since then, the newest heartbeat first. Index on the heartbeat. */
export async function listWorkers(
  db: Queryable,
  { sinceMs, limit }: { readonly sinceMs: number; readonly limit: number },
): Promise<readonly WorkerProcessesTable[]> {
  return await db.selectFrom("worker_processes").selectAll().where("last_seen_at", ">=", sinceMs)
    .orderBy("last_seen_at", "desc").orderBy("id").limit(limit).execute();
}

/** Removes workers without a heartbeat since then. */
export async function removeLostWorkers(db: Queryable, beforeMs: number): Promise<void> {
  await db.deleteFrom("worker_processes").where("last_seen_at", "<", beforeMs).execute();
}
