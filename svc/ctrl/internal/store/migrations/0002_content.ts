/** Build contexts by content: packs of chunks, and the trees that are made of them. */
import type { Migration } from "./migration.ts";
import { createTable, integer, longText, text } from "./table.ts";

export const content: Migration = {
  name: "0002_content",
  async up(db) {
    await createTable(db, {
      name: "packs",
      columns: {
        id: text(128),
        workspace_id: text(128),
        project_id: text(128),
        object_key: text(512),
        size_bytes: integer(),
        checksum_sha256: text(64),
        state: text(16),
        created_at: integer(),
        last_used_at: integer(),
      },
      primaryKey: ["id"],
      indices: [["workspace_id"], ["state", "last_used_at"]],
    });
    await createTable(db, {
      name: "chunks",
      columns: {
        project_id: text(128),
        digest: text(64),
        pack_id: text(128),
        pack_offset: integer(),
        stored_bytes: integer(),
        bytes: integer(),
        deflated: integer(),
      },
      primaryKey: ["project_id", "digest"],
      indices: [["pack_id"]],
    });
    await createTable(db, {
      name: "contexts",
      columns: {
        id: text(128),
        workspace_id: text(128),
        project_id: text(128),
        root: text(64),
        content_id: text(64),
        manifest: longText(),
        files: integer(),
        content_bytes: integer(),
        created_at: integer(),
        last_used_at: integer(),
      },
      primaryKey: ["id"],
      uniques: [["project_id", "root"]],
      indices: [["last_used_at"]],
    });
    await createTable(db, {
      name: "context_packs",
      columns: { context_id: text(128), pack_id: text(128) },
      primaryKey: ["context_id", "pack_id"],
      indices: [["pack_id"]],
    });
  },
};
