/** A rollout knows the whole check of its app, so that its texts tell of the right one. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { type AppSettings, encodeAppSnapshot } from "../../internal/deployments/app/settings.ts";
import { type CtrlDatabase, placeDeployment } from "../../internal/store/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { observe } from "./observe.ts";

const onDatabases = testOnCtrlDatabases();
const IMAGE = JSON.stringify({
  healthCheck: { command: ["/check"], intervalMs: 0, timeoutMs: 0, retries: 0 },
});

/** The state of a deployment that was placed with these settings. */
async function stateOf(db: CtrlDatabase, own: AppSettings | undefined, image_config: string | null) {
  const seed = await seedProject(db);
  const app_settings = own === undefined ? null : encodeAppSnapshot({ own, environment: {} });
  const { id } = await seedDeployment(db, seed, {
    app_settings,
    health_check_path: "/up",
    start_seconds: 90,
  });
  await db.kysely.updateTable("deployments").set({ image_config }).where("id", "=", id).execute();
  await transact(db, (tx) =>
    placeDeployment(tx, {
      deploymentId: id,
      workspaceId: seed.workspaceId,
      regions: [{ region: "eu-1", replicas: 2 }],
      nowMs: NOW_MS,
    }));
  const observed = await observe({ db, clock: new ManualClock(), agentTimeoutMs: 30_000 }, id);
  assert.ok(observed.kind === "observed");
  return observed.state;
}

onDatabases(
  "observe() tells the check of the settings and of the image, and none of older rows",
  async (db) => {
    const none = { method: "", expectedStatus: "" };
    const http = { kind: "http", path: "/up", method: "HEAD", expectedStatus: "204" } as const;
    assert.deepEqual((await stateOf(db, {}, IMAGE)).healthCheck, { kind: "command", ...none });
    assert.deepEqual((await stateOf(db, {}, null)).healthCheck, { kind: "port", ...none });
    assert.deepEqual((await stateOf(db, { healthCheck: http }, IMAGE)).healthCheck, {
      kind: "http",
      method: "HEAD",
      expectedStatus: "204",
    });
    const older = await stateOf(db, undefined, IMAGE);
    assert.deepEqual([older.healthCheck, older.healthCheckPath, older.startMs], [undefined, "/up", 90_000]);
    assert.deepEqual(
      older.regions.map(({ region, desiredReplicas, instances }) => [region, desiredReplicas, instances]),
      [
        ["eu-1", 2, []],
      ],
    );
  },
  ["SQLite in memory"],
);
