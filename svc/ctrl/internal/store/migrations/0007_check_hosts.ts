/** The host that health checks name. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { textOrNull } from "./table.ts";

export const checkHosts: Migration = {
  name: "0007_check_hosts",
  up: (db) => addColumns(db, "deployments", { health_check_host: textOrNull(253) }),
};
