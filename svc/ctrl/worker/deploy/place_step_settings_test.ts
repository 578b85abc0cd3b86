/** Placements of older deployments, of redeploys, and of those that are repeated or too late. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { encodeAppSnapshot } from "../../internal/deployments/app/settings.ts";
import {
  type CtrlDatabase,
  type DeploymentsTable,
  findDeployment,
  listEventsAfter,
  listTopology,
} from "../../internal/store/mod.ts";
import { type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { worldClock } from "../testing.ts";
import { placeInTransaction } from "./place_step.ts";

const onDatabases = testOnCtrlDatabases();
const test = (name: string, fn: (db: CtrlDatabase) => Promise<void>) =>
  onDatabases(name, fn, ["SQLite in memory"]);
const IMAGE = {
  exposedPorts: [3000],
  volumes: ["/data"],
  user: "",
  stopSignal: "",
  entrypoint: ["/app"],
  command: [],
};
const SETTINGS = encodeAppSnapshot({ own: {}, environment: {} });

/** A deployment whose row has these values, and its placement. */
async function bed(db: CtrlDatabase, changes: Partial<DeploymentsTable>, seed?: Seed) {
  const { id } = await seedDeployment(db, seed ?? await seedProject(db));
  await db.kysely.updateTable("deployments").set(changes).where("id", "=", id).execute();
  const deps = {
    clock: worldClock({ nowMs: 1_700_000_000_000 }),
    regions: ["eu-1", "us-1"],
    replicas: 2,
    apex: "localhost",
  };
  const texts = async (): Promise<string[]> =>
    (await listEventsAfter(db.kysely, id, 0, 100)).flatMap(({ payload }) =>
      payload.kind === "notice" ? [payload.message] : []
    );
  return {
    id,
    place: (image: typeof IMAGE | null = IMAGE) =>
      transact(
        db,
        (tx) =>
          placeInTransaction(tx, deps, {
            id,
            image: image ?? undefined,
            sentinels: [],
            liveRegions: new Set(),
          }),
      ),
    row: async () => {
      const row = await findDeployment(db.kysely, id);
      assert.ok(row !== undefined);
      return row;
    },
    texts,
    notices: async () => (await texts()).length,
    placements: async () =>
      (await listTopology(db.kysely, id)).map(({ region, desired_replicas }) =>
        `${region} x${desired_replicas}`
      )
        .toSorted(),
  };
}

test("a deployment of an older version keeps the port of its row, in all regions", async (db) => {
  const { place, row, notices, placements } = await bed(db, { app_settings: null, port: 4000 });
  assert.deepEqual(await place(), { kind: "advanced" });
  const { port, image_config, health_check_host } = await row();
  assert.equal(port, 4000, "its image exposes another one");
  assert.deepEqual(JSON.parse(image_config ?? ""), IMAGE);
  assert.match(health_check_host ?? "", /\.localhost$/);
  assert.deepEqual(await placements(), ["eu-1 x2", "us-1 x2"]);
  assert.equal(await notices(), 0, "no Dockerfile was sent with it");
});

test("a redeploy tells nothing again, and takes the image's port all the same", async (db) => {
  const first = await bed(db, { app_settings: SETTINGS });
  const again = await bed(db, { app_settings: SETTINGS, redeploy_of: first.id });
  await first.place();
  await again.place();
  assert.deepEqual([await first.notices(), await again.notices()], [2, 0]);
  assert.equal((await again.row()).port, 3000);
});

/** Before images were read, an app without a setting got its requests on port 8080. */
test("a placement tells of a port that differs from the live deployment's, until one with it is live", async (db) => {
  const seed = await seedProject(db);
  const live = (id: string) =>
    db.kysely.updateTable("environments").set({ live_deployment_id: id }).where("id", "=", seed.productionId)
      .execute();
  const before = await bed(db, { app_settings: null, port: 8080 }, seed);
  await live(before.id);
  const next = await bed(db, { app_settings: SETTINGS }, seed);
  await next.place();
  assert.deepEqual((await next.texts()).filter((text) => text.includes("live deployment")), [
    "The live deployment gets its requests on port 8080, this one on 3000. If the app listens on 8080 whatever PORT " +
    'says: --port 8080, or "port": 8080 in unkey.json.',
  ]);
  await live(next.id);
  const last = await bed(db, { app_settings: SETTINGS }, seed);
  await last.place();
  assert.equal(await last.notices(), 2);
});

test("a repeated placement writes nothing, whatever is known of the image by then", async (db) => {
  const { place, row, notices } = await bed(db, { app_settings: SETTINGS });
  await place();
  const before = await row();
  const other = { ...IMAGE, exposedPorts: [9000], volumes: ["/other"] };
  assert.deepEqual(await place(other), { kind: "advanced" });
  assert.deepEqual(await row(), before);
  assert.equal(await notices(), 2);
});

test("an image that cannot be read leaves what is known of it", async (db) => {
  const known = JSON.stringify(IMAGE);
  const { place, row } = await bed(db, { app_settings: SETTINGS, image_config: known });
  assert.deepEqual(await place(null), { kind: "advanced" });
  assert.equal((await row()).image_config, known);
});

test("a deployment that has ended, or is not there, is not placed", async (db) => {
  for (const status of ["failed", "stopped", "ready"] as const) {
    const { place, placements, notices } = await bed(db, { app_settings: SETTINGS, status });
    assert.deepEqual(await place(), { kind: "ended", status });
    assert.deepEqual([await placements(), await notices()], [[], 0]);
  }
  const { id, place } = await bed(db, { app_settings: SETTINGS });
  await db.kysely.deleteFrom("deployments").where("id", "=", id).execute();
  assert.deepEqual(await place(), { kind: "ended", status: "missing" });
});

test("the replicas of the deployment come before the operator's, and a region from the environment is used", async (db) => {
  const app_settings = encodeAppSnapshot({ own: {}, environment: { regions: ["us-1"] } });
  const { place, placements } = await bed(db, { app_settings, replicas: 5 });
  await place();
  assert.deepEqual(await placements(), ["us-1 x5"]);
});
