/** Requests of deployments that ran before requests were noted. Their times are lost, so the time of each begins now. */
import { sql } from "kysely";
import { databaseNow } from "../../../../../pkg/db/mod.ts";
import type { Migration } from "./migration.ts";

export const firstRequests: Migration = {
  name: "0016_first_requests",
  async up(db) {
    const nowMs = await databaseNow(db);
    const unknown = db.selectFrom("deployments as d").select(["d.id", sql<number>`${nowMs}`.as("now_ms")])
      .where("d.status", "=", "ready").where(({ exists, not, selectFrom }) =>
        not(exists(
          selectFrom("deployment_requests as r").select("r.deployment_id")
            .whereRef("r.deployment_id", "=", "d.id"),
        ))
      );
    await db.insertInto("deployment_requests").columns(["deployment_id", "last_request_at"])
      .expression(unknown).execute();
  },
};
