import assert from "node:assert/strict";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, testOnCtrlDatabases } from "./testing.ts";
import { leaseApiProcess, listNudgeUrls, removeApiProcess } from "./mod.ts";

const test = testOnCtrlDatabases();

test("api processes are nudged while their lease holds", async (db) => {
  const id = newDnsName(10);
  const lease = (leaseExpiresAtMs: number) =>
    leaseApiProcess(db.kysely, { id, nudgeUrl: `http://${id}`, leaseExpiresAtMs });
  const isListed = async () => (await listNudgeUrls(db.kysely, NOW_MS)).includes(`http://${id}`);
  await lease(NOW_MS);
  assert.equal(await isListed(), false);
  await lease(NOW_MS + 1);
  assert.equal(await isListed(), true);
  await removeApiProcess(db.kysely, id);
  assert.equal(await isListed(), false);
});
