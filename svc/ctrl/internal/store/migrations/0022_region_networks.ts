/** The networks in which the addresses of a region's agent must lie; null for the default rule. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { longTextOrNull } from "./table.ts";

export const regionNetworks: Migration = {
  name: "0022_region_networks",
  async up(db) {
    await addColumns(db, "region_tokens", { networks: longTextOrNull() });
  },
};
