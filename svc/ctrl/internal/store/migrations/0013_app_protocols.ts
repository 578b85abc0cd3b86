/** The protocol that an app speaks. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { textOrNull } from "./table.ts";

export const appProtocols: Migration = {
  name: "0013_app_protocols",
  up: (db) => addColumns(db, "deployments", { app_protocol: textOrNull(16) }),
};
