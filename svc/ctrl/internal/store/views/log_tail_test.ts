import assert from "node:assert/strict";
import { newId } from "../../../../../pkg/uid/mod.ts";
import {
  compareLines,
  insertInstanceLogs,
  type LogLine,
  type LogTailQuery,
  readLogTail,
  timeNsText,
} from "../mod.ts";
import { testOnCtrlDatabases } from "../testing.ts";

const test = testOnCtrlDatabases();
/** As regions name them: the same name in two of them is two instances. */
const INSTANCES = ["eu/a-1", "eu/a-2", "us/b-1", "us/a-1"];
const BATCHES = 60;
const below = (max: number): number => Math.floor(Math.random() * max);

function line(source: string, time: number, ordinal: number): LogLine {
  const [region = "", instance = ""] = source.split("/");
  return {
    instance,
    region,
    timeNs: timeNsText(BigInt(time)),
    ordinal,
    stream: "stdout",
    text: `${source} ${time}.${ordinal}`,
  };
}

/** Batches of lines as instances ship them: each in order, and not in step with each other. */
function history(): LogLine[][] {
  const times = new Map(INSTANCES.map((each) => [each, below(50)]));
  return Array.from({ length: BATCHES }, () => {
    const instance = INSTANCES[below(INSTANCES.length)] ?? "";
    let [time, ordinal] = [(times.get(instance) ?? 0) + 1, 0];
    const lines = Array.from({ length: 1 + below(12) }, () => {
      if (below(3) > 0) [time, ordinal] = [time + below(4), ordinal + 1];
      return line(instance, time, ordinal++);
    });
    times.set(instance, time);
    return lines;
  });
}

/** The definition: all lines, sorted, of which the last ones that match remain. */
function expected(lines: readonly LogLine[], query: LogTailQuery): string[] {
  return lines.filter(({ instance, region, timeNs }) =>
    timeNs >= (query.since ?? "") && (query.until === undefined || timeNs < query.until) &&
    instance.startsWith(query.instance ?? "") && (query.region === undefined || region === query.region)
  ).toSorted(compareLines).slice(-query.lines).map(({ text }) => text);
}

function someQuery(deploymentId: string): LogTailQuery {
  const at = (): string => timeNsText(BigInt(below(200)));
  return {
    deploymentId,
    lines: 1 + below(below(2) === 0 ? 10 : 600),
    ...(below(3) === 0 ? { since: at() } : {}),
    ...(below(3) === 0 ? { until: at() } : {}),
    ...(below(3) === 0 ? { instance: ["a", "a-2", "none"][below(3)] ?? "" } : {}),
    ...(below(4) === 0 ? { region: "us" } : {}),
  };
}

test("readLogTail() yields exactly the last lines that match, in order, whatever was asked", async (db) => {
  const id = newId("deployment", 1);
  const batches = history();
  for (const batch of batches) await insertInstanceLogs(db.kysely, id, batch);
  for (let n = 0; n < 40; n++) {
    const query = someQuery(id);
    const read = (await Array.fromAsync(readLogTail(db, query))).flat().map(({ text }) => text);
    assert.deepEqual(read, expected(batches.flat(), query), JSON.stringify(query));
  }
});

test("readLogTail() holds a small part of a long output at a time", async (db) => {
  const id = newId("deployment", 1);
  const count = 200;
  for (let n = 0; n < count; n++) {
    await insertInstanceLogs(db.kysely, id, [{
      ...line("eu/a-1", n, 0),
      text: `${n} ${"x".repeat(100_000)}`,
    }]);
  }
  const pages = await Array.fromAsync(readLogTail(db, { deploymentId: id, lines: count }));
  assert.equal(pages.flat().length, count);
  assert.ok(pages.every((each) => each.length <= 11), "a page of bodies has at most a megabyte");
});

test("readLogTail() yields nothing for a deployment without output", async (db) => {
  const query = { deploymentId: newId("deployment", 1), lines: 10 };
  assert.deepEqual(await Array.fromAsync(readLogTail(db, query)), []);
});
