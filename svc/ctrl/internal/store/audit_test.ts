import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { type CtrlDatabase, deleteAuditEntries, recordAudit } from "./mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();

async function record(db: CtrlDatabase, workspaceId: string, times: readonly number[]): Promise<void> {
  for (const nowMs of times) {
    await transact(db, (tx) =>
      recordAudit(tx, {
        workspaceId,
        actor: { kind: "service" },
        action: "deployment.create",
        resource: { type: "deployment", id: String(nowMs) },
        nowMs,
      }));
  }
}

test("old audit entries go in batches, the next one where the last one ended", async (db) => {
  const workspaceId = newDnsName(10);
  const left = async () =>
    (await db.kysely.selectFrom("audit_log").select("resource_id").where("workspace_id", "=", workspaceId)
      .orderBy("created_at").execute()).map((row) => row.resource_id);
  await record(db, workspaceId, [10, 20, 20, 20, 30, NOW_MS]);
  const place = { beforeMs: NOW_MS, limit: 2 };
  assert.deepEqual(await deleteAuditEntries(db.kysely, place), { deleted: 2, fromMs: 20 });
  assert.deepEqual(await deleteAuditEntries(db.kysely, { ...place, fromMs: 20 }), { deleted: 2, fromMs: 20 });
  assert.deepEqual(await left(), ["30", String(NOW_MS)]);
  assert.deepEqual(await deleteAuditEntries(db.kysely, { ...place, fromMs: 20 }), {
    deleted: 1,
    fromMs: undefined,
  });
  assert.deepEqual(await deleteAuditEntries(db.kysely, place), { deleted: 0, fromMs: undefined });
  assert.deepEqual(await left(), [String(NOW_MS)]);
});
