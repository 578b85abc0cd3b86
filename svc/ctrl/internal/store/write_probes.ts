import { upsert } from "../../../../pkg/db/mod.ts";
import type { Queryable } from "./database.ts";

/** Writes one row, which is the same for all processes of a part. Rejects as any other write would. */
export async function probeWrite(db: Queryable, part: string, nowMs: number): Promise<void> {
  await upsert(db, "write_probes", [{ part, written_at: nowMs }], { key: ["part"], update: ["written_at"] });
}
