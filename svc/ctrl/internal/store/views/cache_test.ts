/** The cache shows a deployment only while it equals the rows of the database. */
import assert from "node:assert/strict";
import { transact } from "../../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../../pkg/uid/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "../testing.ts";
import {
  assignRoutes,
  beginBuildAttempt,
  clearCancel,
  type CtrlDatabase,
  deleteEnvironment,
  type DeploymentView,
  DeploymentViewCache,
  endStep,
  listDeploymentViewsByIds,
  markCancelled,
  moveStatus,
  placeDeployment,
  putProtection,
  removeRouteOfHostname,
  replaceReported,
  type ReportedInstance,
  requestCancel,
  retellStep,
  saveBuildSlots,
  setImage,
  startStep,
  stopTopology,
  swapLiveDeployment,
  type Tx,
  useImageAgain,
  type WantedRoute,
} from "../mod.ts";
import { fallAsleep, follow, scaleIn } from "./testing_scaling.ts";
import { protectionRow } from "../testing_protections.ts";
import { listViewRows } from "./rows.ts";

const test = testOnCtrlDatabases();

/** Fields that are given at create and never written again. */
const FIXED: readonly (keyof DeploymentView)[] = [
  "id",
  "workspaceId",
  "projectId",
  "projectSlug",
  "environmentId",
  "environmentSlug",
  "redeployOf",
  "gitCommitSha",
  "gitBranch",
  "gitCommitMessage",
  "gitCommitAuthorHandle",
  "gitCommitAuthorAvatarUrl",
  "gitCommitTimestamp",
  "port",
  "healthCheckPath",
  "cpuMillicores",
  "memoryMib",
  "replicas",
  "app",
  "createdAt",
];

function clockAt(ms: () => number) {
  return { now: ms, sleep: () => Promise.reject(new Error("nothing waits here")) };
}

const stopped = clockAt(() => NOW_MS);

function running(name: string): ReportedInstance {
  return {
    k8s_name: name,
    address: "10.0.0.1:80",
    cpu_millicores: 1,
    memory_mib: 1,
    status: "running",
    reason: "",
    message: "",
    exit_code: null,
    restarts: 0,
    last_log_lines: "[]",
    last_end: null,
  };
}

interface Scene {
  readonly seed: Seed;
  readonly id: string;
  /** A deployment of the same project's production, which takes things away. */
  readonly other: string;
  /** A deployment that only waits for a build slot. */
  readonly queued: string;
  readonly host: string;
}

type Write = (tx: Tx, scene: Scene) => Promise<unknown>;

const own = ({ seed, id }: Scene) => ({
  deploymentId: id,
  workspaceId: seed.workspaceId,
  projectId: seed.projectId,
  nowMs: NOW_MS,
});

const assign =
  (to: (scene: Scene) => string, routes: (scene: Scene) => WantedRoute[]): Write => (tx, scene) =>
    assignRoutes(tx, {
      ...own(scene),
      deploymentId: to(scene),
      environmentId: scene.seed.previewId,
      routes: routes(scene),
    });

const report = (to: (scene: Scene) => string, names: (scene: Scene) => string[]): Write => (tx, scene) =>
  replaceReported(tx, {
    ...own(scene),
    deploymentId: to(scene),
    region: "us",
    generation: 0,
    instances: names(scene).map(running),
  });

const mine = ({ id }: Scene): string => id;
const others = ({ other }: Scene): string => other;
const branchName = (
  { host }: Scene,
): WantedRoute[] => [{ hostname: `${host}-git.localhost`, sticky: "branch" }];
const move =
  (from: "pending" | "queued" | "building", to: "queued" | "building" | "failed"): Write => (tx, { id }) =>
    moveStatus(tx, {
      id,
      from: [from],
      to,
      nowMs: NOW_MS + 1,
      ...(to === "failed"
        ? {
          failure: {
            code: "build_failed",
            message: "no",
            details: { source: "build", origin: "1/1", lines: ["x"] },
          },
        }
        : {}),
    });

/** Every way in which something that is shown is written, in an order in which each of them has something to change. */
const WRITES: Readonly<Record<string, Write>> = {
  "a placement": (tx, scene) =>
    placeDeployment(tx, { ...own(scene), regions: [{ region: "us", replicas: 1 }] }),
  "more replicas": (tx, scene) =>
    placeDeployment(tx, { ...own(scene), regions: [{ region: "us", replicas: 2 }] }),
  "a first instance": report(mine, ({ host }) => [`${host}-a`]),
  "a second instance": report(mine, ({ host }) => [`${host}-a`, `${host}-b`]),
  "an instance that is gone": report(mine, ({ host }) => [`${host}-a`]),
  "a name that another deployment's instance has now": async (tx, scene) => {
    const regions = [{ region: "us", replicas: 1 }];
    await placeDeployment(tx, { ...own(scene), deploymentId: scene.other, regions });
    await report(others, ({ host }) => [`${host}-a`])(tx, scene);
  },
  "scaling": (tx, scene) => scaleIn(tx, own(scene), "us"),
  "a number of instances that follows the load": (tx, scene) => follow(tx, own(scene), "us"),
  "a stop": (tx, scene) => stopTopology(tx, own(scene)),
  "a route": assign(mine, branchName),
  "another kind of route": assign(mine, ({ host }) => [
    { hostname: `${host}.localhost`, sticky: "none" },
    { hostname: `${host}-git.localhost`, sticky: "none" },
  ]),
  "a name that is given up": (tx, { host, seed: { workspaceId } }) =>
    removeRouteOfHostname(tx, { hostname: `${host}.localhost`, workspaceId }, NOW_MS),
  "a route that leads elsewhere now": assign(others, branchName),
  "a step": (tx, scene) => startStep(tx, { ...own(scene), name: "building", message: "Building" }),
  "another message": (tx, scene) =>
    startStep(tx, { ...own(scene), name: "building", message: "Still building" }),
  "a step that waits": (tx, scene) => retellStep(tx, { ...own(scene), name: "building", message: "Waiting" }),
  "the end of a step": (tx, scene) =>
    endStep(tx, { ...own(scene), name: "building", status: "failed", errorMessage: "no" }),
  "being live": (tx, { seed, id }) => {
    const swap = { expected: undefined, next: id, rolledBack: false, nowMs: NOW_MS };
    return swapLiveDeployment(tx, { ...swap, environmentId: seed.previewId });
  },
  "a rollback to another deployment": (tx, { seed, id, other }) => {
    const swap = { expected: id, next: other, rolledBack: true, nowMs: NOW_MS };
    return swapLiveDeployment(tx, { ...swap, environmentId: seed.previewId });
  },
  "a request to cancel": (tx, { id }) => requestCancel(tx, { id, nowMs: NOW_MS }),
  "a cancel that was taken back": (tx, { id }) => clearCancel(tx, id),
  "a switch that was cancelled": (tx, { id }) => markCancelled(tx, { id, nowMs: NOW_MS }),
  "being queued": async (tx, scene) => {
    await clearCancel(tx, scene.id);
    await move("pending", "queued")(tx, scene);
    await queue(tx, scene, scene.id, 20);
  },
  "a place further back": (tx, scene) => queue(tx, scene, scene.queued, 10),
  "a build": move("queued", "building"),
  "an attempt at it": (tx, { id }) => beginBuildAttempt(tx, id, NOW_MS),
  "an image": (tx, { id }) => setImage(tx, { id, image: "r.example/shop:2", nowMs: NOW_MS }),
  "an image that is used again": async (tx, { id, queued }) => {
    await setImage(tx, { id: queued, image: "unkey.local/p:1", nowMs: NOW_MS });
    await useImageAgain(tx, { id, built: { deploymentId: queued, image: "unkey.local/p:1" }, nowMs: NOW_MS });
  },
  "an image that is gone": (tx, { id }) =>
    tx.updateTable("deployments").set({ image_removed_at: NOW_MS }).where("id", "=", id).execute(),
  "a stop to come": (tx, { id }) =>
    tx.updateTable("deployments").set({ stop_due_at: NOW_MS }).where("id", "=", id).execute(),
  "a failure": move("building", "failed"),
  "a stop with its reason": (tx, { id }) =>
    moveStatus(tx, {
      id,
      from: ["failed"],
      to: "stopped",
      stop: { reason: "no_requests", message: "unused", atMs: NOW_MS },
      nowMs: NOW_MS,
    }),
  "a sleep": (tx, scene) => fallAsleep(tx, own(scene)),
  "a password for visitors": (tx, { seed }) => putProtection(tx, protectionRow(seed, "password")),
  "an environment that is open again": (tx, { seed }) => putProtection(tx, protectionRow(seed, "open")),
  "an environment that is deleted": (tx, { seed }) => {
    const { previewId: id, workspaceId: workspace_id, projectId: project_id } = seed;
    return deleteEnvironment(tx, { id, slug: "preview", workspace_id, project_id }, NOW_MS);
  },
};

async function queue(tx: Tx, { seed }: Scene, deployment_id: string, turn_at: number): Promise<void> {
  await moveStatus(tx, { id: deployment_id, from: ["pending"], to: "queued", nowMs: NOW_MS });
  const row = {
    state: "waiting",
    enqueued_at: 7,
    lease_until: null,
    ticket: 1,
    reported_ahead: null,
  } as const;
  await saveBuildSlots(tx, [{ ...row, deployment_id, workspace_id: seed.workspaceId, turn_at }]);
}

async function setScene(db: CtrlDatabase): Promise<Scene> {
  const seed = await seedProject(db);
  const add = async (environment_id: string): Promise<string> =>
    (await seedDeployment(db, seed, { environment_id, image: null, git_branch: newDnsName(9) })).id;
  const { previewId, productionId } = seed;
  const [id, other, queued] = [await add(previewId), await add(productionId), await add(productionId)];
  return { seed, id, other, queued, host: newDnsName(12) };
}

/** A write that is forgotten here is found by `tests/architecture`; a field that none of them changes, below. */
test("no change of what is shown goes unseen, and every field that can change was changed", async (db) => {
  const scene = await setScene(db);
  const ids = [scene.id, scene.other];
  const memory = new DeploymentViewCache(stopped);
  const changed = new Set<string>();
  let before = await listDeploymentViewsByIds(db.kysely, ids, memory);
  for (const [name, write] of Object.entries(WRITES)) {
    await transact(db, (tx) => write(tx, scene));
    const shown = await listDeploymentViewsByIds(db.kysely, ids, memory);
    assert.deepEqual(shown, await listDeploymentViewsByIds(db.kysely, ids), `${name} is shown`);
    const [was, is] = [before.get(scene.id), shown.get(scene.id)];
    assert.notDeepEqual(is, was, `${name} changes something`);
    for (const [field, value] of Object.entries(is ?? {})) {
      const earlier: unknown = was === undefined ? undefined : Reflect.get(was, field);
      if (JSON.stringify(value) !== JSON.stringify(earlier)) changed.add(field);
    }
    before = shown;
  }
  const fields = Object.keys(before.get(scene.id) ?? {});
  assert.deepEqual(fields.filter((each) => !changed.has(each)).sort(), [...FIXED].sort());
});

test("what has not changed is the same object again, but for a place in the queue", async (db) => {
  const scene = await setScene(db);
  const memory = new DeploymentViewCache(stopped);
  const find = async () => (await listDeploymentViewsByIds(db.kysely, [scene.id], memory)).get(scene.id);
  const first = await find();
  assert.ok(first !== undefined && first === await find());
  await transact(db, (tx) => queue(tx, scene, scene.id, 20));
  assert.equal((await find())?.queue?.ahead, 0);
  // None of its own rows change: the turn of another deployment comes earlier.
  await transact(db, (tx) => queue(tx, scene, scene.queued, 10));
  assert.equal((await find())?.queue?.ahead, 1);
});

/** During an upgrade, the older processes change rows and do not count it. */
test("what nobody counted is seen after two seconds", async (db) => {
  const scene = await setScene(db);
  let nowMs = NOW_MS;
  const memory = new DeploymentViewCache(clockAt(() => nowMs));
  const find = async () =>
    (await listDeploymentViewsByIds(db.kysely, [scene.id], memory)).get(scene.id)?.hostnames;
  await transact(db, (tx) => assign(mine, branchName)(tx, scene));
  assert.equal((await find())?.length, 1);
  await db.kysely.deleteFrom("frontline_routes").where("deployment_id", "=", scene.id).execute();
  assert.equal((await find())?.length, 1);
  nowMs += 2_000;
  assert.deepEqual(await find(), []);
});

test("a thousand deployments are not all remembered, and the latest are", async (db) => {
  const scene = await setScene(db);
  const memory = new DeploymentViewCache(stopped);
  const shown = (await listDeploymentViewsByIds(db.kysely, [scene.id])).get(scene.id);
  assert.ok(shown !== undefined);
  const [row] = await listViewRows(db.kysely, [scene.id]);
  assert.ok(row !== undefined);
  for (let n = 0; n < 1_000; n++) memory.set({ ...row, id: `d_${n}` }, shown);
  assert.equal(memory.get({ ...row, id: "d_0" }), undefined);
  assert.equal(memory.get({ ...row, id: "d_999" }), shown);
});

/** Readers and writers at once, over two views of the same database: what was committed before a read is in it. */
test("a read never misses what was committed before it began", async (db) => {
  const scene = await setScene(db);
  const memory = new DeploymentViewCache(stopped);
  const regions = ["us", "eu"].map((region) => ({ region, replicas: 1 }));
  await transact(db, (tx) => placeDeployment(tx, { ...own(scene), regions }));
  const committed = { us: 0, eu: 0, steps: 0 };
  const rounds = 25;
  const reports = async (region: "us" | "eu"): Promise<void> => {
    for (let count = 1; count <= rounds; count++) {
      const instances = Array.from({ length: count }, (_, n) => running(`${scene.host}-${region}-${n}`));
      await transact(
        db,
        (tx) => replaceReported(tx, { ...own(scene), region, generation: count, instances }),
      );
      committed[region] = count;
    }
  };
  const steps = async (): Promise<void> => {
    for (let count = 1; count <= rounds; count++) {
      const step = { ...own(scene), name: "deploying", message: String(count) } as const;
      await transact(db, (tx) => startStep(tx, step));
      committed.steps = count;
    }
  };
  let writing = true;
  const reads = async (): Promise<void> => {
    while (writing) {
      const [instances, step] = [committed.us + committed.eu, committed.steps];
      const shown = (await listDeploymentViewsByIds(db.kysely, [scene.id], memory)).get(scene.id);
      assert.ok((shown?.runningInstances ?? -1) >= instances, "an instance is missing");
      assert.ok(Number(shown?.steps[0]?.message ?? 0) >= step, "a step is missing");
    }
  };
  const readers = Promise.all([reads(), reads(), reads()]);
  try {
    await Promise.all([reports("us"), reports("eu"), steps()]);
  } finally {
    writing = false;
    await readers;
  }
  const last = (await listDeploymentViewsByIds(db.kysely, [scene.id], memory)).get(scene.id);
  assert.deepEqual([last?.runningInstances, last?.steps[0]?.message], [2 * rounds, String(rounds)]);
});
