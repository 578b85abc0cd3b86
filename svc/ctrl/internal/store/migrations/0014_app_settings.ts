/** Settings of apps: those of environments and deployments, and the configuration of a deployment's image. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { longTextOrNull } from "./table.ts";

export const appSettings: Migration = {
  name: "0014_app_settings",
  async up(db) {
    await addColumns(db, "environments", { app_settings: longTextOrNull() });
    await addColumns(db, "deployments", { app_settings: longTextOrNull(), image_config: longTextOrNull() });
  },
};
