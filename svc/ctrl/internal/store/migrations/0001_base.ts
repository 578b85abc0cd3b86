/** The first tables. */
import { DEPLOYMENTS } from "./0001_base/deployments.ts";
import { PROJECTS } from "./0001_base/projects.ts";
import { REGIONS } from "./0001_base/regions.ts";
import type { Migration } from "./migration.ts";
import { createTable } from "./table.ts";

export const base: Migration = {
  name: "0001_base",
  async up(db) {
    for (const table of [...PROJECTS, ...DEPLOYMENTS, ...REGIONS]) await createTable(db, table);
  },
};
