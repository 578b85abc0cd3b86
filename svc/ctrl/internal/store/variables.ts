/** Environment variables, as ciphertext. */
import { upsert } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { variableName } from "../validate/mod.ts";
import type { Queryable, Tx } from "./database.ts";
import type { EnvironmentVariablesTable } from "./schema.ts";

/** Sets variables; the others of the environment stay. @throws `invalid_argument` for a name or value that no process can have */
export async function setEnvironmentVariables(
  tx: Tx,
  options: {
    readonly workspaceId: string;
    readonly environmentId: string;
    readonly variables: readonly { readonly name: string; readonly ciphertext: string }[];
    readonly nowMs: number;
  },
): Promise<void> {
  const rows = options.variables.map(({ name, ciphertext }) => ({
    id: newId("environmentVariable", options.nowMs),
    workspace_id: options.workspaceId,
    environment_id: options.environmentId,
    name: variableName("name", name),
    ciphertext,
    created_at: options.nowMs,
    updated_at: options.nowMs,
  }));
  await upsert(tx, "environment_variables", rows, {
    key: ["environment_id", "name"],
    update: ["ciphertext", "updated_at"],
  });
}

/** All variables of an environment by name, served by the unique key of environment and name. */
export async function listEnvironmentVariables(
  db: Queryable,
  environmentId: string,
): Promise<EnvironmentVariablesTable[]> {
  return await db.selectFrom("environment_variables").selectAll()
    .where("environment_id", "=", environmentId).orderBy("name").execute();
}

/** Removes one variable; false when there was none. */
export async function removeEnvironmentVariable(
  db: Queryable,
  environmentId: string,
  name: string,
): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom("environment_variables")
    .where("environment_id", "=", environmentId).where("name", "=", name).executeTakeFirst();
  return numDeletedRows > 0n;
}

/** Removes all variables of an environment. */
export async function removeAllEnvironmentVariables(db: Queryable, environmentId: string): Promise<void> {
  await db.deleteFrom("environment_variables").where("environment_id", "=", environmentId).execute();
}
