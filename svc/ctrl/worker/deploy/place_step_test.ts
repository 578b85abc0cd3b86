import assert from "node:assert/strict";
import type { ImageConfig } from "../../../../pkg/registry/mod.ts";
import { encodeAppSnapshot } from "../../internal/deployments/app/settings.ts";
import {
  type CtrlDatabase,
  findDeployment,
  listEventsAfter,
  listTopology,
} from "../../internal/store/mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { IMAGE_RULES, recordingNotifier, worldClock } from "../testing.ts";
import { createDeploySteps } from "./steps.ts";
import { NO_SPANS } from "../../internal/traces/testing.ts";

const test = testOnCtrlDatabases();
const NOW_MS = 1_700_000_000_000;
const signal = new AbortController().signal;
const IMAGE: ImageConfig = {
  exposedPorts: [3000],
  healthCheck: { command: ["/check"], intervalMs: 0, timeoutMs: 0, retries: 0 },
  volumes: ["/data"],
  user: "",
  stopSignal: "",
  entrypoint: ["/app"],
  command: [],
};

/** Places a deployment with these settings of its own, twice as a step may run. */
async function place(
  db: CtrlDatabase,
  own: { readonly port?: number; readonly regions?: readonly string[] },
  image: ImageConfig | undefined,
) {
  const seed = await seedProject(db);
  const app_settings = encodeAppSnapshot({ own, environment: {} });
  const { id } = await seedDeployment(db, seed, { app_settings });
  const steps = createDeploySteps({
    spans: NO_SPANS,
    db,
    clock: worldClock({ nowMs: NOW_MS }),
    changes: recordingNotifier(),
    regions: ["eu-1", "us-1"],
    apex: "localhost",
    replicas: 1,
    ...IMAGE_RULES,
    imageConfig: () => Promise.resolve(image),
    agentTimeoutMs: 30_000,
  });
  const placed = await steps.place(id, signal);
  assert.deepEqual(await steps.place(id, signal), placed);
  const row = await findDeployment(db.kysely, id);
  const events = await listEventsAfter(db.kysely, id, 0, 100);
  return {
    placed,
    port: row?.port,
    image: row?.image_config,
    regions: (await listTopology(db.kysely, id)).map(({ region }) => region).toSorted(),
    notices: events.flatMap(({ payload }) => payload.kind === "notice" ? [payload.message] : []),
  };
}

test("place() gives an app the port that its image exposes, and tells of the image's settings once", async (db) => {
  const { placed, port, image, notices } = await place(db, {}, IMAGE);
  assert.deepEqual([placed, port], [{ kind: "advanced" }, 3000]);
  assert.deepEqual(JSON.parse(image ?? ""), IMAGE);
  assert.deepEqual(notices.map((text) => text.split(" ").slice(0, 3).join(" ")), [
    "The image exposes",
    "Files in /data",
    "The image's HEALTHCHECK",
  ]);
});

test("place() leaves a port that was set, and that of an image that cannot be read", async (db) => {
  assert.equal((await place(db, { port: 4000 }, IMAGE)).port, 4000);
  const unread = await place(db, {}, undefined);
  assert.deepEqual([unread.port, unread.image, unread.notices], [8080, null, []]);
});

test("place() takes the regions of the settings, and refuses one that is not there", async (db) => {
  assert.deepEqual((await place(db, {}, undefined)).regions, ["eu-1", "us-1"]);
  assert.deepEqual((await place(db, { regions: ["us-1"] }, undefined)).regions, ["us-1"]);
  const { placed, regions } = await place(db, { regions: ["us-1", "mars-1"] }, undefined);
  assert.deepEqual(regions, []);
  assert.ok(placed.kind === "failed");
  assert.match(placed.failure.message, /region "mars-1", which this platform does not have.*eu-1, us-1/);
});
