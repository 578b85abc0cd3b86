/** The OpenAPI documents of deployments. */
import type { Migration } from "./migration.ts";
import { bytesOrNull, createTable, integer, text } from "./table.ts";

export const openApiDocuments: Migration = {
  name: "0027_openapi_documents",
  up: (db) =>
    createTable(db, {
      name: "openapi_documents",
      columns: {
        deployment_id: text(64),
        workspace_id: text(64),
        path: text(1024),
        body: bytesOrNull(),
        problem: text(512),
        version: text(16),
        operations: integer(),
        read_at: integer(),
      },
      primaryKey: ["deployment_id"],
    }),
};
