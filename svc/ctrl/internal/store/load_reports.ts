/** The newest load that each edge and each region's agent has reported: one row for all deployments of a reporter. */
import { upsert } from "../../../../pkg/db/mod.ts";
import { encodeLoads, type ReportedLoad } from "../scaling/mod.ts";
import type { Queryable } from "./database.ts";
import type { LoadReportsTable } from "./schema.ts";

export interface LoadReport {
  readonly reporter: string;
  readonly kind: LoadReportsTable["kind"];
  readonly source: string;
  readonly reportedAtMs: number;
  readonly loads: readonly ReportedLoad[];
}

/** Stores the report in the place of the reporter's former one, in one statement. */
export async function recordLoads(
  db: Queryable,
  { reporter, kind, source, reportedAtMs, loads }: LoadReport,
): Promise<void> {
  const row = { reporter, kind, source, reported_at: reportedAtMs, loads: encodeLoads(loads) };
  await upsert(db, "load_reports", [row], {
    key: ["reporter"],
    update: ["kind", "source", "reported_at", "loads"],
  });
}

/** Forgets a reporter that has ended. */
export async function removeLoads(db: Queryable, reporter: string): Promise<void> {
  await db.deleteFrom("load_reports").where("reporter", "=", reporter).execute();
}

/** Reports since `sinceMs`. Index on the time. */
export async function listLoadReports(db: Queryable, sinceMs: number): Promise<readonly LoadReportsTable[]> {
  return await db.selectFrom("load_reports").selectAll().where("reported_at", ">=", sinceMs).execute();
}

/** Removes the reports from before `beforeMs`: their reporters are gone. Index on the time. */
export async function removeOldLoads(db: Queryable, beforeMs: number): Promise<void> {
  await db.deleteFrom("load_reports").where("reported_at", "<", beforeMs).execute();
}
