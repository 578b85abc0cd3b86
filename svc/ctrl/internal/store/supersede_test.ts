import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import type { DeploymentStatus } from "../deployments/status.ts";
import { newDeployment, NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import {
  createDeployment,
  type CtrlDatabase,
  findDeployment,
  listEventsAfter,
  listSteps,
  type NewDeployment,
  startStep,
} from "./mod.ts";

const test = testOnCtrlDatabases();
const BUILD = { source: "context", image: null, build_context_path: "p/u.tar.gz" } as const;

async function setStatus(db: CtrlDatabase, id: string, status: DeploymentStatus): Promise<void> {
  await db.kysely.updateTable("deployments").set({ status }).where("id", "=", id).execute();
}

test("a build takes the place of older ones that wait for the same environment and branch", async (db) => {
  const seed = await seedProject(db);
  const cases: readonly {
    readonly name: string;
    readonly older: Partial<NewDeployment>;
    readonly status: DeploymentStatus;
    readonly newer?: Partial<NewDeployment>;
    readonly superseded: boolean;
  }[] = [
    { name: "pending", older: BUILD, status: "pending", superseded: true },
    { name: "queued", older: BUILD, status: "queued", superseded: true },
    { name: "building", older: BUILD, status: "building", superseded: false },
    { name: "ready", older: BUILD, status: "ready", superseded: false },
    { name: "an image", older: {}, status: "pending", superseded: false },
    { name: "by an image", older: BUILD, status: "queued", newer: { image: "shop:2" }, superseded: false },
    {
      name: "another branch",
      older: { ...BUILD, git_branch: "other" },
      status: "queued",
      superseded: false,
    },
    {
      name: "the same branch in another case",
      older: { ...BUILD, git_branch: "Main" },
      status: "queued",
      superseded: false,
    },
    {
      name: "no branch, and the newer one has one",
      older: { ...BUILD, git_branch: "" },
      status: "queued",
      superseded: false,
    },
    {
      name: "no branch, both",
      older: { ...BUILD, git_branch: "" },
      status: "queued",
      newer: { git_branch: "" },
      superseded: true,
    },
    {
      name: "another environment",
      older: { ...BUILD, environment_id: seed.previewId },
      status: "queued",
      superseded: false,
    },
  ];
  for (const { name, older, status, newer = {}, superseded } of cases) {
    const { id } = await seedDeployment(db, seed, older);
    await setStatus(db, id, status);
    const made = await transact(
      db,
      (tx) => createDeployment(tx, newDeployment(seed, { ...BUILD, ...newer })),
    );
    assert.deepEqual(made.superseded, superseded ? [id] : [], name);
    assert.equal((await findDeployment(db.kysely, id))?.status, superseded ? "superseded" : status, name);
    // Out of the way of the next case.
    for (const each of [id, made.deployment.id]) await setStatus(db, each, "cancelled");
  }
});

test("a superseded build names the newer one, ends its step, and is final", async (db) => {
  const seed = await seedProject(db);
  const { id } = await seedDeployment(db, seed, BUILD);
  await setStatus(db, id, "queued");
  await transact(
    db,
    (tx) => startStep(tx, { deploymentId: id, name: "queued", message: "Waiting.", nowMs: NOW_MS }),
  );
  const newer = await seedDeployment(db, seed, { ...BUILD, created_at: NOW_MS + 1 });
  const message = `A newer deployment of the same environment and branch took its place: ${newer.id}.`;
  const row = await findDeployment(db.kysely, id);
  assert.deepEqual([row?.error_message, row?.failure_code, row?.ended_at], [message, null, NOW_MS + 1]);
  assert.deepEqual((await listSteps(db.kysely, id)).map((step) => [step.status, step.error_message]), [
    ["failed", message],
  ]);
  const events = await listEventsAfter(db.kysely, id, 0, 10);
  assert.deepEqual(events.at(-1)?.payload, { kind: "status", status: "superseded", errorMessage: message });
  const [act] = await db.kysely.selectFrom("audit_log").selectAll().where("resource_id", "=", id).execute();
  assert.deepEqual([act?.action, act?.actor_kind, act?.facts], [
    "deployment.supersede",
    "system",
    JSON.stringify({ by: newer.id }),
  ]);
});

/** Creates of one environment take turns, so one of them is the newest, and only that one is left. */
test("of builds that are created at once the newest is left", async (db) => {
  const seed = await seedProject(db);
  const rows = await Promise.all(Array.from({ length: 8 }, () => seedDeployment(db, seed, BUILD)));
  const newest = rows.toSorted((a, b) => b.sequence - a.sequence)[0];
  const left = await db.kysely.selectFrom("deployments").select("id").where("status", "=", "pending")
    .where("environment_id", "=", seed.productionId).execute();
  assert.deepEqual(left, [{ id: newest?.id }]);
});

test("a repeated create supersedes nobody", async (db) => {
  const seed = await seedProject(db);
  const first = await seedDeployment(db, seed, { ...BUILD, idempotency_key: "k" });
  const second = await seedDeployment(db, seed, { ...BUILD });
  await setStatus(db, first.id, "queued");
  const again = await transact(
    db,
    (tx) => createDeployment(tx, newDeployment(seed, { ...BUILD, idempotency_key: "k" })),
  );
  assert.deepEqual([again.created, again.superseded], [false, []]);
  assert.equal((await findDeployment(db.kysely, second.id))?.status, "pending");
});
