/** Commands that run once are also asked for beside a deploy, with an id, a place and a deadline of their own. */
import { addColumns, addIndex, addUniqueIndex } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { integerOrNull, textOrNull } from "./table.ts";

const TABLE = "deployment_tasks";

export const runs: Migration = {
  name: "0038_runs",
  async up(db) {
    await addColumns(db, TABLE, {
      run_id: textOrNull(128),
      project_id: textOrNull(128),
      environment_id: textOrNull(128),
      environment_slug: textOrNull(63),
      idempotency_key: textOrNull(255),
      created_by: textOrNull(255),
      deadline_at: integerOrNull(),
    });
    await addUniqueIndex(db, TABLE, ["workspace_id", "run_id"]);
    await addUniqueIndex(db, TABLE, ["workspace_id", "idempotency_key"]);
    await addIndex(db, TABLE, ["workspace_id", "created_at", "run_id"]);
    await addIndex(db, TABLE, ["workspace_id", "state"]);
    await addIndex(db, TABLE, ["deployment_id", "state"]);
    await addIndex(db, TABLE, ["deadline_at"]);
    await addIndex(db, TABLE, ["created_at"]);
  },
};
