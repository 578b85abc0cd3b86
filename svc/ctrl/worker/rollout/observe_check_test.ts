/** A rollout knows the whole check of its app, so that its texts tell of the right one. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { type AppSettings, encodeAppSnapshot } from "../../internal/deployments/app/settings.ts";
import { type CtrlDatabase, placeDeployment, replaceReported } from "../../internal/store/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { observe } from "./observe.ts";

const onDatabases = testOnCtrlDatabases();
const IMAGE = JSON.stringify({
  healthCheck: { command: ["/check"], intervalMs: 0, timeoutMs: 0, retries: 0 },
});

/** The state of a deployment that was placed with these settings. */
async function stateOf(
  db: CtrlDatabase,
  own: AppSettings | undefined,
  image_config: string | null,
  { waits = false } = {},
) {
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
  if (waits) {
    const instance = {
      k8s_name: `${id.toLowerCase().replaceAll("_", "-")}-0`,
      address: "",
      cpu_millicores: 1,
      memory_mib: 1,
      status: "pending" as const,
      reason: "not_listening",
      message: "It does not listen.",
      exit_code: null,
      restarts: 0,
      last_log_lines: "[]",
      last_end: null,
    };
    await transact(db, (tx) =>
      replaceReported(tx, {
        deploymentId: id,
        workspaceId: seed.workspaceId,
        projectId: seed.projectId,
        region: "eu-1",
        generation: 1,
        instances: [instance],
        nowMs: NOW_MS,
      }));
  }
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

/** A deploy of an image has no Dockerfile, and one of a Dockerfile may build on an image that exposes ports. */
onDatabases("observe() knows the ports of the image that an app was deployed from", async (db) => {
  const image = JSON.stringify({ exposedPorts: [3000, 9000] });
  assert.deepEqual((await stateOf(db, {}, image, { waits: true })).exposedPorts, [3000, 9000]);
  assert.equal((await stateOf(db, {}, image)).exposedPorts, undefined, "there is nothing to hint at");
  assert.equal((await stateOf(db, {}, null, { waits: true })).exposedPorts, undefined);
}, ["SQLite in memory"]);
