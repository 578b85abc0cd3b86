import assert from "node:assert/strict";
import { newId } from "../../../../pkg/uid/mod.ts";
import { testOnCtrlDatabases } from "./testing.ts";
import {
  advanceLogCursor,
  insertInstanceLogs,
  type InstanceLogsTable,
  listInstanceLogsAfter,
  listLastInstanceLogs,
  type LogCursor,
  timeNsText,
  trimInstanceLogs,
} from "./mod.ts";

const test = testOnCtrlDatabases();

function line(deploymentId: string, instance: string, timeNs: number, ordinal = 0): InstanceLogsTable {
  return {
    deployment_id: deploymentId,
    instance,
    time_ns: timeNsText(BigInt(timeNs)),
    ordinal,
    region: "local",
    stream: "stdout",
    text: `${instance} ${timeNs}.${ordinal}`,
  };
}

/** Instances ship on their own; one that is late must not lose its lines to a reader who is ahead. */
test("a reader gets every line once, although instances ship late and twice", async (db) => {
  const id = newId("deployment", 1);
  let cursor: LogCursor = new Map();
  const read = async (limit = 100) => {
    const lines = await listInstanceLogsAfter(db.kysely, id, cursor, limit);
    cursor = advanceLogCursor(cursor, lines);
    return lines.map((each) => each.text);
  };
  await insertInstanceLogs(db.kysely, [line(id, "a", 10), line(id, "a", 20), line(id, "a", 20, 1)]);
  assert.deepEqual(await read(2), ["a 10.0", "a 20.0"]);
  assert.deepEqual(await read(), ["a 20.1"]);
  await insertInstanceLogs(db.kysely, [line(id, "a", 20, 1), line(id, "b", 15), line(id, "a", 30)]);
  assert.deepEqual(await read(), ["b 15.0", "a 30.0"]);
  assert.deepEqual(await read(), []);
  assert.deepEqual(
    (await listLastInstanceLogs(db.kysely, id, 3)).map((each) => each.text),
    ["a 20.0", "a 20.1", "a 30.0"],
  );
});

test("trimming keeps the newest lines of the deployment", async (db) => {
  const [id, other] = [newId("deployment", 1), newId("deployment", 1)];
  const lines = Array.from({ length: 50 }, (_, n) => line(id, `i${n % 3}`, n));
  await insertInstanceLogs(db.kysely, [...lines, line(other, "x", 0)]);
  assert.equal(await trimInstanceLogs(db.kysely, id, 50), 0);
  assert.equal(await trimInstanceLogs(db.kysely, id, 20), 30);
  const kept = await listLastInstanceLogs(db.kysely, id, 100);
  assert.deepEqual([kept.length, kept[0]?.text], [20, "i0 30.0"]);
  assert.equal((await listLastInstanceLogs(db.kysely, other, 100)).length, 1);
});
