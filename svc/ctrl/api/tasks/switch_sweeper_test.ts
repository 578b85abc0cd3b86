import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { eventually } from "../../../../pkg/testkit/eventually.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { recordSwitch } from "../../internal/store/mod.ts";
import { NOW_MS } from "../../internal/store/testing.ts";
import { RECEIPT_MS_MAX } from "../../internal/switches/mod.ts";
import { memoryDatabase } from "../../worker/testing.ts";
import { sweepSwitches } from "./switch_sweeper.ts";

const DAY_MS = 24 * 3_600_000;

Deno.test("the sweeper ends receipts when nothing more can come, and removes switches after 90 days", async () => {
  const db = await memoryDatabase();
  const ages = { old: 90 * DAY_MS + 1, kept: 90 * DAY_MS, over: RECEIPT_MS_MAX + 1, open: RECEIPT_MS_MAX };
  for (const [name, ageMs] of Object.entries(ages)) {
    await transact(db, (tx) =>
      recordSwitch(tx, {
        workspaceId: "ws_1",
        projectId: "proj_1",
        environmentId: `env_${name}`,
        environmentSlug: "production",
        deploymentId: name,
        previousDeploymentId: undefined,
        cause: "deploy",
        nowMs: NOW_MS - ageMs,
        edgesSinceMs: 0,
      }));
  }
  const rows = async () =>
    (await db.kysely.selectFrom("traffic_switches").select(["deployment_id", "ended_at"]).orderBy(
      "deployment_id",
    )
      .execute()).map((each) => [each.deployment_id, each.ended_at]);
  const stop = new AbortController();
  const manual = new ManualClock();
  const clock = { now: () => NOW_MS, sleep: (ms: number, signal?: AbortSignal) => manual.sleep(ms, signal) };
  const sweeps = sweepSwitches({ db, clock, log: silentLogger() }, stop.signal);
  await eventually("the removal", async () => (await rows()).length === 3);
  stop.abort();
  await sweeps;
  assert.deepEqual(await rows(), [["kept", NOW_MS], ["open", null], ["over", NOW_MS]]);
  await db.close();
});
