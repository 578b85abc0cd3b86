/** Who changed what; and what a create with an idempotency key asked for, and which deployment it repeats. */
import type { Migration } from "./migration.ts";
import { addColumns, createTable, integer, longText, type Table, text, textOrNull } from "./table.ts";

const id = text(128);

const AUDIT_LOG: Table = {
  name: "audit_log",
  columns: {
    id,
    workspace_id: id,
    actor_kind: text(16),
    actor_id: id,
    actor_name: text(256),
    action: text(64),
    resource_type: text(32),
    resource_id: text(256),
    project_id: id,
    environment_id: id,
    facts: longText(),
    created_at: integer(),
  },
  primaryKey: ["id"],
  indices: [
    ["workspace_id", "created_at", "id"],
    ["workspace_id", "project_id", "created_at", "id"],
    ["workspace_id", "resource_id", "created_at", "id"],
    ["created_at"],
  ],
};

export const audit: Migration = {
  name: "0002_audit",
  async up(db) {
    await createTable(db, AUDIT_LOG);
    await addColumns(db, "deployments", {
      request_fingerprint: textOrNull(64),
      redeploy_of: textOrNull(128),
    });
  },
};
