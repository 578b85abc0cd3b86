/** How often what a deployment is shown with has changed, so that an answer can be given again while it has not. */
import type { Migration } from "./migration.ts";
import { createTable, integer, text } from "./table.ts";

export const shownRevisions: Migration = {
  name: "0008_shown_revisions",
  async up(db) {
    await createTable(db, {
      name: "shown_revisions",
      columns: { deployment_id: text(128), revision: integer() },
      primaryKey: ["deployment_id"],
    });
  },
};
