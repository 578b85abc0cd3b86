/** Api processes that are nudged after commits in other processes, each for as long as its lease. */
import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";

/** Registers a process, or renews its lease. */
export async function leaseApiProcess(
  db: Queryable,
  process: { readonly id: string; readonly nudgeUrl: string; readonly leaseExpiresAtMs: number },
): Promise<void> {
  await upsert(db, "api_processes", [{
    id: process.id,
    nudge_url: process.nudgeUrl,
    lease_expires_at: process.leaseExpiresAtMs,
  }], { key: ["id"], update: ["nudge_url", "lease_expires_at"] });
}

/** Removes a process that stops. */
export async function removeApiProcess(db: Queryable, id: string): Promise<void> {
  await db.deleteFrom("api_processes").where("id", "=", id).execute();
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
