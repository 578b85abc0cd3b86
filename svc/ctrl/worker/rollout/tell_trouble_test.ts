import assert from "node:assert/strict";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { endStep, listEventsAfter, listSteps, startStep } from "../../internal/store/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import type { InstanceState, RolloutState } from "./plan.ts";
import { tellTrouble } from "./tell_trouble.ts";

function state(reason: string, message: string): RolloutState {
  const instance: InstanceState = {
    name: "a-1",
    status: "pending",
    reason,
    message,
    exitCode: null,
    restarts: 0,
    lastLogLines: [],
  };
  return {
    regions: [{ region: "near", desiredReplicas: 1, agentAlive: true, instances: [instance] }],
    port: 8080,
    healthCheckPath: "",
    memoryMib: 256,
    environmentSlug: "",
  };
}

const test = testOnCtrlDatabases();

test("tellTrouble() has the step say what the app waits for, once, and that it goes on", async (db) => {
  const { id } = await seedDeployment(db, await seedProject(db));
  const name = "deploying";
  await transact(
    db,
    (tx) => startStep(tx, { deploymentId: id, name, message: "Starting the app in near.", nowMs: NOW_MS }),
  );
  const tell = (reason: string, message: string) =>
    tellTrouble({ db, clock: new ManualClock() }, id, state(reason, message));
  await tell("creating", "The container is being created.");
  await tell("quota", "No room.");
  await tell("quota", "No room.");
  await tell("refused", "A rule.");
  await tell("starting", "The app is starting.");
  await tell("starting", "The app is starting.");
  const messages = (await listEventsAfter(db.kysely, id, 1, 100)).map(({ payload }) =>
    payload.kind === "step" ? payload.message : payload.kind
  );
  assert.deepEqual(messages, [
    "Starting the app in near.",
    "Waiting: No room.",
    "Waiting: A rule.",
    "Starting the app in near.",
  ]);
  await transact(db, (tx) => endStep(tx, { deploymentId: id, name, status: "done", nowMs: NOW_MS }));
  await tell("quota", "No room.");
  assert.equal(
    (await listSteps(db.kysely, id))[0]?.message,
    "Starting the app in near.",
    "an ended step stays",
  );
});
