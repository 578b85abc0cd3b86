/** Deploys that are to get their environment's requests in steps. By primary key. */
import type { Queryable, Tx } from "./database.ts";
import type { GradualOrdersTable } from "./schema_switches.ts";

export async function insertGradualOrder(tx: Tx, row: GradualOrdersTable): Promise<void> {
  await tx.insertInto("gradual_orders").values(row).execute();
}

export async function findGradualOrder(
  db: Queryable,
  deploymentId: string,
): Promise<GradualOrdersTable | undefined> {
  return await db.selectFrom("gradual_orders").selectAll().where("deployment_id", "=", deploymentId)
    .executeTakeFirst();
}

export async function dropGradualOrder(tx: Tx, deploymentId: string): Promise<void> {
  await tx.deleteFrom("gradual_orders").where("deployment_id", "=", deploymentId).execute();
}
