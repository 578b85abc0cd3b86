/** The time before which an order would run into a limit. */
import { addColumns } from "./alter.ts";
import type { Migration } from "./migration.ts";
import { integerOrZero } from "./table.ts";

export const certificateLimits: Migration = {
  name: "0015_certificate_limits",
  up: (db) => addColumns(db, "certificate_orders", { limited_until: integerOrZero() }),
};
