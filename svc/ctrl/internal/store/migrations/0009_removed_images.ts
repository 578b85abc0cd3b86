/** Which deployments have lost their image, and who names an image. */
import type { Migration } from "./migration.ts";
import { addColumns, addIndex, integerOrNull } from "./table.ts";

export const removedImages: Migration = {
  name: "0009_removed_images",
  async up(db) {
    await addColumns(db, "deployments", { image_removed_at: integerOrNull() });
    await addIndex(db, "deployments", ["image"]);
  },
};
