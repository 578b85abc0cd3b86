import assert from "node:assert/strict";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { clock, deployImage, eventually, startApi } from "../../services/testing.ts";
import { sweepAuditLog } from "./audit_sweeper.ts";

Deno.test("the sweeper deletes audit entries past their retention, and no others", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const [old, recent] = [await deployImage(api, tenant), await deployImage(api, tenant)];
  const kept = async () =>
    (await api.db.kysely.selectFrom("audit_log").select("resource_id").execute()).map((row) =>
      row.resource_id
    );
  await api.db.kysely.updateTable("audit_log").set({ created_at: 1 }).where("resource_id", "=", old)
    .execute();
  const stop = new AbortController();
  const sweeps = sweepAuditLog(
    { db: api.db, clock, log: silentLogger(), keptDays: 400 },
    stop.signal,
  );
  await eventually("the removal", async () => !(await kept()).includes(old));
  stop.abort();
  await sweeps;
  assert.ok((await kept()).includes(recent));
});
