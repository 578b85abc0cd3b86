/** Images that later deployments of the same content use again. */
import { addColumns, addIndex } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { integerOrNull, textOrNull } from "./table.ts";

export const builtImages: Migration = {
  name: "0004_built_images",
  async up(db) {
    await addColumns(db, "deployments", {
      build_key: textOrNull(64),
      image_built_at: integerOrNull(),
      image_source_deployment_id: textOrNull(128),
    });
    await addIndex(db, "deployments", ["project_id", "build_key"]);
  },
};
