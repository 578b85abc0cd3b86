/** The proxies of environments, one per region. */
import type { Migration } from "./migration.ts";
import { createTable, integer, longText, text } from "./table.ts";

const id = text(128);

export const sentinels: Migration = {
  name: "0004_sentinels",
  async up(db) {
    await createTable(db, {
      name: "sentinels",
      columns: {
        id,
        workspace_id: id,
        project_id: id,
        environment_id: id,
        region: text(64),
        k8s_name: text(63),
        k8s_address: text(255),
        image: text(512),
        desired_replicas: integer(),
        cpu_millicores: integer(),
        memory_mib: integer(),
        desired_state: text(16),
        version: integer(),
        health: text(16),
        available_replicas: integer(),
        reported_generation: integer(),
        token_hash: text(64),
        encrypted_token: longText(),
        created_at: integer(),
        updated_at: integer(),
      },
      primaryKey: ["id"],
      uniques: [["k8s_name"], ["environment_id", "region"], ["region", "version"], ["token_hash"]],
      indices: [["region", "desired_state", "version"], ["workspace_id"]],
    });
  },
};
