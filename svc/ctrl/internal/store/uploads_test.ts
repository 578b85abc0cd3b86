import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { createUpload, extendUpload, listUnneededUploads, moveStatus } from "./mod.ts";

const test = testOnCtrlDatabases();

test("an expired upload goes when no active deployment needs it", async (db) => {
  const seed = await seedProject(db);
  const key = `${seed.projectId}/build_1.tar.gz`;
  const id = `build_${newDnsName(12)}`;
  await createUpload(db.kysely, {
    id,
    workspace_id: seed.workspaceId,
    project_id: seed.projectId,
    object_key: key,
    size_bytes: 1,
    checksum_sha256: "",
    created_at: 1,
    expires_at: 1,
  });
  const deployment = await seedDeployment(db, seed, { source: "context", build_context_path: key });
  const unneeded = async () =>
    (await listUnneededUploads(db.kysely, { beforeMs: NOW_MS, limit: 1_000 })).map((row) => row.id);
  assert.ok(!(await unneeded()).includes(id));
  const move = { id: deployment.id, from: ["pending"], to: "failed", nowMs: NOW_MS } as const;
  await transact(db, (tx) => moveStatus(tx, move));
  assert.ok((await unneeded()).includes(id));
  await extendUpload(db.kysely, { id, workspace_id: seed.workspaceId }, NOW_MS + 1);
  assert.ok(!(await unneeded()).includes(id));
});
