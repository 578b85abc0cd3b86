import assert from "node:assert/strict";
import { seedProject, testOnCtrlDatabases } from "./testing.ts";
import { createEnvironment, deleteEnvironment, findEnvironmentBySlug, findNameOwner } from "./mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";

const test = testOnCtrlDatabases();

test("findNameOwner() finds a project or an environment of the workspace, wherever the name is split", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const { workspaceId, projectId } = seed;
  await createEnvironment(db.kysely, { workspaceId, projectId, slug: "eu-west", description: "", nowMs: 1 });
  const find = (...names: readonly string[]) => findNameOwner(db.kysely, workspaceId, names);
  assert.deepEqual(await find("x", "shop"), { project: "shop", environment: undefined });
  assert.deepEqual(await find("shop-eu-west"), { project: "shop", environment: "eu-west" });
  assert.deepEqual(await find("x-y", "shop-preview"), { project: "shop", environment: "preview" });
  for (const name of ["shop-eu", "shopeu-west", "shop-", "-preview", "shop-eu-west-1", "x"]) {
    assert.equal(await find(name), undefined, name);
  }
  assert.equal(await findNameOwner(db.kysely, other.workspaceId, ["shop-eu-west"]), undefined);

  const environment = await findEnvironmentBySlug(db.kysely, workspaceId, projectId, "eu-west");
  assert.ok(environment !== undefined);
  await transact(db, (tx) => deleteEnvironment(tx, environment, 2));
  assert.equal(await find("shop-eu-west"), undefined, "a name of a deleted environment is free");
});
