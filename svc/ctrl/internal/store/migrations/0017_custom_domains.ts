/** Host names that users bring, and the memory of who held each. */
import type { Migration } from "./migration.ts";
import { createTable, integer, integerOrNull, longTextOrNull, text, textOrNull } from "./table.ts";

const HOSTNAME = 255;

export const customDomains: Migration = {
  name: "0017_custom_domains",
  async up(db) {
    await createTable(db, {
      name: "custom_domains",
      columns: {
        id: text(128),
        workspace_id: text(128),
        project_id: text(128),
        environment_id: text(128),
        hostname: text(HOSTNAME),
        status: text(16),
        target: text(HOSTNAME),
        proof_text: text(128),
        redirect_to: text(HOSTNAME),
        proof: textOrNull(16),
        reaches: integer(),
        findings: longTextOrNull(),
        checks: integer(),
        checked_at: integerOrNull(),
        next_check_at: integer(),
        verify_from: integer(),
        verified_at: integerOrNull(),
        lost_at: integerOrNull(),
        created_at: integer(),
        updated_at: integer(),
      },
      primaryKey: ["id"],
      uniques: [["workspace_id", "hostname"]],
      indices: [["project_id"], ["environment_id"], ["next_check_at"]],
    });
    await createTable(db, {
      name: "held_hostnames",
      columns: {
        hostname: text(HOSTNAME),
        workspace_id: text(128),
        domain_id: textOrNull(128),
        updated_at: integer(),
      },
      primaryKey: ["hostname"],
    });
  },
};
