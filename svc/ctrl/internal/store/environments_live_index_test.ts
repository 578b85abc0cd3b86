/** The environment that has a deployment live, of which each switch and each stop asks, among many environments. */
import assert from "node:assert/strict";
import { sql } from "kysely";
import { dialectOf, transact } from "../../../../pkg/db/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { createProject } from "./mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();
/** So many that no database would rather read all environments. */
const PROJECTS = 40;

test("the environment of a live deployment is found by an index, also in its workspace", async (db) => {
  const seed = await seedProject(db);
  const { workspaceId } = seed;
  for (let index = 0; index < PROJECTS; index++) {
    const slug = `shop-${index}`;
    const project = { id: newId("project", NOW_MS), workspaceId, name: slug, slug };
    await transact(db, (tx) => createProject(tx, { ...project, defaultBranch: "main", nowMs: NOW_MS }));
  }
  const { id } = await seedDeployment(db, seed);
  await db.kysely.updateTable("environments").set({ live_deployment_id: id })
    .where("id", "=", seed.productionId).execute();

  const explain = sql.raw(dialectOf(db.kysely) === "mysql" ? "explain" : "explain query plan");
  const conditions = [
    sql`live_deployment_id = ${id}`,
    sql`live_deployment_id = ${id} and workspace_id = ${workspaceId}`,
  ];
  for (const condition of conditions) {
    const { rows } = await sql`${explain} select slug from environments where ${condition}`.execute(
      db.kysely,
    );
    assert.match(JSON.stringify(rows), /environments_live_deployment_id/);
  }
});
