import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { encodeEnd } from "./instance_end.ts";
import {
  type CtrlDatabase,
  deleteInstanceEvents,
  INSTANCE_EVENTS_MAX,
  type InstanceEvent,
  listInstanceEvents,
  listInstances,
  placeDeployment,
  recordInstanceEvents,
  replaceReported,
  type ReportedInstance,
} from "./mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";

const test = testOnCtrlDatabases();

function instance(changes: Partial<ReportedInstance> = {}): ReportedInstance {
  return {
    k8s_name: "a",
    address: "127.0.0.1:30000",
    cpu_millicores: 250,
    memory_mib: 256,
    status: "running",
    reason: "",
    message: "",
    exit_code: null,
    restarts: 0,
    last_log_lines: "[]",
    last_end: null,
    ...changes,
  };
}

/** A placed deployment, and reports about it, each `seconds` after the beginning. */
async function placed(db: CtrlDatabase) {
  const seed = await seedProject(db);
  const region = newDnsName(10);
  const { id } = await seedDeployment(db, seed);
  const { workspaceId, projectId } = seed;
  await transact(db, (tx) =>
    placeDeployment(tx, {
      deploymentId: id,
      workspaceId,
      regions: [{ region, replicas: 1 }],
      nowMs: NOW_MS,
    }));
  let generation = 0;
  const report = (seconds: number, ...instances: readonly ReportedInstance[]) =>
    transact(db, (tx) =>
      replaceReported(tx, {
        deploymentId: id,
        workspaceId,
        projectId,
        region,
        generation: ++generation,
        instances: instances.map((each) => ({ ...each, k8s_name: `${region}-${each.k8s_name}` })),
        nowMs: NOW_MS + seconds * 1_000,
      }));
  const events = async () =>
    (await listInstanceEvents(db.kysely, id)).map(({ kind, reason, times, first_at, last_at }) =>
      `${kind} ${reason} x${times} ${(first_at - NOW_MS) / 1_000}-${(last_at - NOW_MS) / 1_000}`
    );
  return { id, region, report, events };
}

const end = (seconds: number, exitCode: number): string =>
  encodeEnd({
    reason: exitCode === 137 ? "oom_killed" : "exited",
    message: `It ended with ${exitCode}.`,
    exitCode,
    atMs: NOW_MS + seconds * 1_000,
  });

test("ends, refusals and failing checks of instances are kept once, with how often and until when", async (db) => {
  const { events, report } = await placed(db);
  await report(1, instance({ status: "pending", reason: "creating" }));
  await report(2, instance({ status: "pending", reason: "starting" }));
  await report(3, instance());
  assert.deepEqual(await events(), [], "a start is no event");
  await report(10, instance({ last_end: end(10, 137), restarts: 1 }));
  await report(11, instance({ last_end: end(10, 137), restarts: 1 }));
  await report(20, instance({ last_end: end(20, 3), restarts: 2 }));
  await report(40, instance({ last_end: end(40, 137), restarts: 4 }));
  await report(
    50,
    instance({ last_end: end(40, 137), restarts: 4, reason: "unhealthy", message: "no answer" }),
  );
  await report(55, instance({ last_end: end(40, 137), restarts: 4 }));
  assert.deepEqual(await events(), [
    "ended exited x1 20-20",
    "ended oom_killed x3 10-40",
    "trouble unhealthy x1 50-50",
    "recovered unhealthy x1 55-55",
  ]);
});

test("a refusal is an event when it begins and when it is over, whatever its instance is called", async (db) => {
  const { events, id, report } = await placed(db);
  const refused = (reason: string) =>
    instance({
      k8s_name: "refused",
      address: "",
      status: "pending",
      reason,
      message: `because of ${reason}`,
    });
  await report(1, instance());
  await report(2, refused("quota"));
  await report(9, refused("quota"));
  assert.deepEqual((await listInstances(db.kysely, id)).map((row) => row.trouble_since), [NOW_MS + 2_000]);
  await report(10, refused("refused"));
  await report(20, instance({ k8s_name: "b", status: "pending", reason: "starting" }));
  await report(21, instance({ k8s_name: "b" }));
  assert.deepEqual(await events(), [
    "trouble quota x1 2-2",
    "trouble refused x1 10-10",
    "recovered refused x1 20-20",
  ]);
  assert.deepEqual((await listInstances(db.kysely, id)).map((row) => row.trouble_since), [null]);
});

test("a bounded number of events is kept, the newest, until they are old", async (db) => {
  const { id, region } = await placed(db);
  const event = (at: number): InstanceEvent => ({
    kind: "ended",
    reason: "exited",
    message: `It ended for the ${at}th reason.`,
    instance: "a",
    exitCode: at,
    atMs: NOW_MS + at,
    times: 1,
  });
  const all = Array.from({ length: INSTANCE_EVENTS_MAX + 20 }, (_, at) => event(at));
  await transact(db, (tx) => recordInstanceEvents(tx, { deploymentId: id, region }, all));
  const kept = await listInstanceEvents(db.kysely, id);
  assert.equal(kept.length, INSTANCE_EVENTS_MAX);
  assert.equal(kept[0]?.exit_code, 20);
  const far = 2 * 3_600_000;
  await transact(db, (tx) => recordInstanceEvents(tx, { deploymentId: id, region }, [event(far)]));
  await transact(
    db,
    (tx) =>
      recordInstanceEvents(tx, { deploymentId: id, region }, [{ ...event(far), atMs: NOW_MS + 2 * far }]),
  );
  const repeated = (await listInstanceEvents(db.kysely, id)).filter((row) => row.exit_code === far);
  assert.deepEqual(repeated.map((row) => row.times), [1, 1], "hours later it is a new event");
  await deleteInstanceEvents(db.kysely, { deploymentId: id, beforeMs: NOW_MS + far + 1 });
  assert.equal((await listInstanceEvents(db.kysely, id)).length, 1);
});
