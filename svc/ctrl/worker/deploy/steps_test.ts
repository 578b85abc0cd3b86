/** The steps of a deploy, on every database: locks and statements differ between them. */
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  type BuildSlotsTable,
  type CtrlDatabase,
  findDeployment,
  saveBuildSlots,
} from "../../internal/store/mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { IMAGE_RULES, recordingNotifier, REGION, worldClock } from "../testing.ts";
import { createDeploySteps } from "./steps.ts";
import type { DeploySteps } from "./types.ts";
import { NO_SPANS } from "../../internal/traces/testing.ts";

const NOW_MS = 1_700_000_000_000;
const test = testOnCtrlDatabases();

function stepsOver(db: CtrlDatabase): DeploySteps {
  return createDeploySteps({
    spans: NO_SPANS,
    db,
    clock: worldClock({ nowMs: NOW_MS }),
    changes: recordingNotifier(),
    regions: [REGION],
    apex: "localhost",
    replicas: 1,
    ...IMAGE_RULES,
    agentTimeoutMs: 30_000,
  });
}

type Slot = Pick<BuildSlotsTable, "state" | "lease_until">;

/** Begins the build of a deployment whose row in the queue is `slot`, twice, as a step may run. */
async function beginWith(
  db: CtrlDatabase,
  slot: Slot | undefined,
): Promise<{ readonly begun: readonly string[]; readonly status: string | undefined }> {
  const seed = await seedProject(db);
  const { id } = await seedDeployment(db, seed);
  if (slot !== undefined) {
    const row = {
      deployment_id: id,
      workspace_id: seed.workspaceId,
      enqueued_at: 0,
      turn_at: 0,
      ticket: 1,
      reported_ahead: null,
    };
    await transact(db, (tx) => saveBuildSlots(tx, [{ ...row, ...slot }]));
  }
  const steps = stepsOver(db);
  const begun = [(await steps.beginBuild(id)).kind, (await steps.beginBuild(id)).kind];
  return { begun, status: (await findDeployment(db.kysely, id))?.status };
}

test("beginBuild() begins only while the deployment holds a slot", async (db) => {
  const refused = { begun: ["no_slot", "no_slot"], status: "pending" };
  assert.deepEqual(await beginWith(db, undefined), refused, "no slot");
  assert.deepEqual(await beginWith(db, { state: "waiting", lease_until: null }), refused, "waiting");
  assert.deepEqual(await beginWith(db, { state: "offered", lease_until: NOW_MS + 1 }), refused, "offered");
  assert.deepEqual(await beginWith(db, { state: "holding", lease_until: NOW_MS }), refused, "run out");
  assert.deepEqual(await beginWith(db, { state: "holding", lease_until: NOW_MS + 1 }), {
    begun: ["advanced", "advanced"],
    status: "building",
  });
});
