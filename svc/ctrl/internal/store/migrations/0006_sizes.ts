/** Sizes of environments and of their deployments. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { integerOrZero, longTextOrNull } from "./table.ts";

export const sizes: Migration = {
  name: "0006_sizes",
  async up(db) {
    await addColumns(db, "environments", { size: longTextOrNull() });
    await addColumns(db, "deployments", { replicas: integerOrZero() });
  },
};
