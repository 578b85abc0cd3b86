import assert from "node:assert/strict";
import { newDnsName } from "../../../../../pkg/uid/mod.ts";
import { testOnCtrlDatabases } from "../testing.ts";
import { findLogEnds, insertInstanceLogs, listInstanceLogsAfter, timeNsText } from "../mod.ts";

const test = testOnCtrlDatabases();

test("findLogEnds() gives a cursor behind the last line of each instance", async (db) => {
  const deployment_id = `d_${newDnsName(12)}`;
  const line = (instance: string, time: bigint, ordinal = 0) => ({
    instance,
    timeNs: timeNsText(time),
    ordinal,
    region: "eu",
    stream: "stdout" as const,
    text: `${time}`,
  });
  await insertInstanceLogs(db.kysely, deployment_id, [line("a", 1n, 9), line("a", 5n, 3), line("b", 2n)]);
  const ends = await findLogEnds(db.kysely, deployment_id);
  await insertInstanceLogs(db.kysely, deployment_id, [line("b", 3n), line("c", 1n), line("a", 5n, 4)]);
  const { lines: rest } = await listInstanceLogsAfter(db.kysely, deployment_id, ends, 10);
  assert.deepEqual(rest.map(({ instance, text }) => [instance, text]), [["c", "1"], ["b", "3"], ["a", "5"]]);
});
