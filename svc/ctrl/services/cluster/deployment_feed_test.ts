/** The message with which agents run an app: from its settings, and from what its image says. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { HealthCheck_Kind as Kind } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { type AppSettings, encodeAppSnapshot } from "../../internal/deployments/app/settings.ts";
import {
  type CtrlDatabase,
  type DesiredDeployment,
  listDesiredDeployments,
  placeDeployment,
  taskRow,
} from "../../internal/store/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { createDeploymentFeed } from "./deployment_feed.ts";

const onDatabases = testOnCtrlDatabases();
const test = (name: string, fn: (db: CtrlDatabase) => Promise<void>) =>
  onDatabases(name, fn, ["SQLite in memory"]);
const REGION = "eu-1";
const IMAGE = {
  exposedPorts: [3000],
  healthCheck: { command: ["/check"], intervalMs: 10_000, timeoutMs: 1_000, retries: 0 },
  volumes: [],
  user: "",
  stopSignal: "",
  entrypoint: ["/app"],
  command: [],
};
const NO_VARIABLES = {
  encrypt: () => Promise.reject(new Error("nothing to encrypt")),
  open: () => Promise.reject(new Error("nothing to decrypt")),
  decrypt: () => Promise.reject(new Error("nothing to decrypt")),
  digest: () => "",
};
const { encode } = createDeploymentFeed(NO_VARIABLES);

/** The row of a placed deployment. */
async function placedRow(db: CtrlDatabase): Promise<DesiredDeployment> {
  const seed = await seedProject(db);
  const { id } = await seedDeployment(db, seed);
  await transact(db, (tx) =>
    placeDeployment(tx, {
      deploymentId: id,
      workspaceId: seed.workspaceId,
      regions: [{ region: REGION, replicas: 1 }],
      nowMs: NOW_MS,
    }));
  const [row] = await listDesiredDeployments(db.kysely, REGION, [id]);
  assert.ok(row !== undefined);
  return { ...row, health_check_host: "shop.localhost" };
}

/** The message to the agent for these settings and this image. */
async function applied(
  row: DesiredDeployment,
  own: AppSettings,
  { image = IMAGE, environment = {} }: { readonly image?: unknown; readonly environment?: AppSettings } = {},
) {
  const { case: kind, value } = await encode({
    ...row,
    app_settings: encodeAppSnapshot({ own, environment }),
    image_config: image === null ? null : JSON.stringify(image),
  });
  assert.ok(kind === "apply");
  return value;
}

test("a row of an older version is run as it was: the agent decides", async (db) => {
  const row = await placedRow(db);
  const { case: kind, value } = await encode({
    ...row,
    app_settings: null,
    image_config: JSON.stringify(IMAGE),
  });
  assert.ok(kind === "apply");
  const names = ["healthCheck", "stopSignal", "stopSeconds", "init"];
  assert.deepEqual(names.filter((name) => Object.hasOwn(value, name)), []);
  assert.deepEqual([value.ephemeralStorageMib, value.healthCheckHost], [0n, "shop.localhost"]);
});

test("settings that say nothing follow the image, and its lack", async (db) => {
  const row = await placedRow(db);
  const [read, unread] = [await applied(row, {}), await applied(row, {}, { image: null })];
  assert.deepEqual(read.healthCheck, {
    kind: Kind.COMMAND,
    path: "",
    method: "",
    host: "",
    headers: {},
    expectedStatus: "",
    command: ["/check"],
    intervalMs: 10_000,
    timeoutMs: 1_000,
    unhealthyMs: 30_000,
    restartMs: 0,
  });
  assert.deepEqual([read.init, unread.init, unread.healthCheck?.kind], [true, false, Kind.PORT]);
  assert.deepEqual([read.stopSignal, read.stopSeconds, read.ephemeralStorageMib], ["", 0, 0n]);
});

test("each kind of check is sent with what it needs", async (db) => {
  const row = await placedRow(db);
  const kinds: readonly [AppSettings["healthCheck"], Kind, string, string][] = [
    [{ kind: "http", path: "/up" }, Kind.HTTP, "/up", "shop.localhost"],
    [{ kind: "http" }, Kind.HTTP, "/", "shop.localhost"],
    [{ kind: "http", path: "/up", host: "own.example" }, Kind.HTTP, "/up", "own.example"],
    [{ kind: "port" }, Kind.PORT, "", ""],
    [{ kind: "image" }, Kind.COMMAND, "", ""],
  ];
  for (const [healthCheck, kind, path, host] of kinds) {
    const { healthCheck: sent } = await applied(row, { healthCheck });
    assert.deepEqual([sent?.kind, sent?.path, sent?.host], [kind, path, host], JSON.stringify(healthCheck));
  }
  const headers = { "x-probe": "1" };
  const { healthCheck } = await applied(row, { healthCheck: { kind: "http", headers, restartSeconds: 7 } });
  assert.deepEqual([healthCheck?.headers, healthCheck?.restartMs], [headers, 7_000]);
});

test("the deployment's own settings come before its environment's", async (db) => {
  const row = await placedRow(db);
  const environment: AppSettings = {
    stopSignal: "SIGINT",
    stopSeconds: 5,
    ephemeralStorageMib: 64,
    init: true,
  };
  const own: AppSettings = { stopSignal: "SIGQUIT", init: false };
  const { stopSignal, stopSeconds, ephemeralStorageMib, init } = await applied(row, own, { environment });
  assert.deepEqual([stopSignal, stopSeconds, ephemeralStorageMib, init], ["SIGQUIT", 5, 64n, false]);
});

test("an image with its own init gets no other one, unless the command is replaced", async (db) => {
  const row = await placedRow(db);
  const image = { ...IMAGE, entrypoint: ["/sbin/tini", "--"] };
  assert.equal((await applied(row, {}, { image })).init, false);
  assert.equal((await applied(row, { init: true }, { image })).initAsked, true);
  const replaced = await applied(row, { command: ["/app"] }, { image });
  assert.deepEqual([replaced.init, replaced.initAsked], [true, false]);
});

test("a row that another program has broken fails, and is not run with half of its settings", async (db) => {
  const row = await placedRow(db);
  const settings = encodeAppSnapshot({ own: {}, environment: {} });
  const broken: readonly Partial<DesiredDeployment>[] = [
    { app_settings: "{" },
    { app_settings: "{}" },
    { app_settings: `{"own":{"init":1},"environment":{}}` },
    { app_settings: settings, image_config: "[" },
    { app_settings: settings, image_config: `{"exposedPorts":"3000"}` },
  ];
  for (const change of broken) await assert.rejects(encode({ ...row, ...change }), JSON.stringify(change));
  const stopped = await encode({ ...row, app_settings: "{", desired_status: "stopped" });
  assert.equal(stopped.case, "delete", "it can be stopped all the same");
});

test("a placement without an image is refused with words for its user", async (db) => {
  const row = await placedRow(db);
  await assert.rejects(encode({ ...row, image: null }), {
    publicMessage: "The deployment has no image to run.",
  });
});

test("no region starts an instance before the release command has been settled, and one region runs it", async (db) => {
  const row = await placedRow(db);
  const task = taskRow({
    deployment_id: row.id,
    name: "release",
    workspace_id: row.workspace_id,
    region: REGION,
    command: ["sh", "-c", "migrate"],
    timeout_seconds: 60,
    nowMs: NOW_MS,
  });
  const sent = async (changes: Partial<typeof task>, region = REGION) => {
    const { case: kind, value } = await encode({ ...row, region, tasks: [{ ...task, ...changes }] });
    assert.ok(kind === "apply");
    return [value.replicas, value.tasks];
  };
  const wanted = { name: "release", command: ["sh", "-c", "migrate"], timeoutSeconds: 60, isStarted: false };
  assert.deepEqual(await sent({}), [0, [wanted]]);
  assert.deepEqual(await sent({}, "us-1"), [0, []], "another region");
  assert.deepEqual(await sent({ state: "running", started_at: 1 }), [0, [{ ...wanted, isStarted: true }]]);
  assert.deepEqual(await sent({ state: "failed" }), [0, []]);
  assert.deepEqual(await sent({ state: "succeeded" }), [0, []]);
  assert.deepEqual(await sent({ state: "succeeded", settled_at: 1 }), [1, []]);
  const run = { name: "run-a", run_id: "run_1" };
  assert.deepEqual(await sent(run), [1, [{ ...wanted, name: "run-a" }]], "a run holds no instance up");
  assert.deepEqual(await sent({ ...run, state: "failed" }), [1, []]);
});
