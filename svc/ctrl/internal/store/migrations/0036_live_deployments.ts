/** The environment that has a deployment live is found without a look at all environments. */
import { addIndex } from "./alter.ts";
import type { Migration } from "./migration.ts";

export const liveDeployments: Migration = {
  name: "0036_live_deployments",
  up: (db) => addIndex(db, "environments", ["live_deployment_id"]),
};
