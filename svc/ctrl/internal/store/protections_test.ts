import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  ALL_PREVIEWS,
  listProtections,
  protectionsOfRoutes,
  putProtection,
  removeProtections,
  setProtectionKey,
} from "./mod.ts";
import { NOW_MS, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { protectionRow } from "./testing_protections.ts";

const test = testOnCtrlDatabases();

test("a route has the password of its environment, else that of all previews, and production only its own", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const { workspaceId: workspace_id, projectId: project_id, previewId, productionId } = seed;
  const routes = [
    { workspace_id, project_id, environment_id: previewId },
    { workspace_id, project_id, environment_id: productionId },
    { workspace_id: other.workspaceId, project_id: other.projectId, environment_id: other.previewId },
  ];
  const found = async () =>
    [...await protectionsOfRoutes(db.kysely, routes)].map(([id, row]) => [id, row.sealed_key]).sort();
  const put = (mode: "password" | "open", environment?: string) =>
    transact(db, (tx) => putProtection(tx, protectionRow(seed, mode, environment)));
  assert.deepEqual(await found(), []);
  await put("password", ALL_PREVIEWS);
  assert.deepEqual(await found(), [[previewId, "key of "]]);
  await put("open");
  assert.deepEqual(await found(), []);
  await put("password");
  await put("password", productionId);
  const both = [[previewId, `key of ${previewId}`], [productionId, `key of ${productionId}`]];
  assert.deepEqual(await found(), both.sort());
});

test("a key is replaced in its own row, and a removal leaves other rows", async (db) => {
  const seed = await seedProject(db);
  const place = { workspaceId: seed.workspaceId, projectId: seed.projectId };
  const rows = [protectionRow(seed, "password", ALL_PREVIEWS), protectionRow(seed, "password")] as const;
  await transact(db, async (tx) => {
    for (const row of rows) await putProtection(tx, row);
    await setProtectionKey(tx, rows[1], { sealedKey: "another", nowMs: NOW_MS + 1 });
  });
  const keys = async () => (await listProtections(db.kysely, place)).map((row) => row.sealed_key);
  assert.deepEqual(await keys(), ["key of ", "another"]);
  await transact(db, (tx) => removeProtections(tx, [rows[0]]));
  assert.deepEqual(await keys(), ["another"]);
});
