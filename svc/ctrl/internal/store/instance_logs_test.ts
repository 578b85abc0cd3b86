import assert from "node:assert/strict";
import { newId } from "../../../../pkg/uid/mod.ts";
import { testOnCtrlDatabases } from "./testing.ts";
import {
  advanceLogCursor,
  type CtrlDatabase,
  insertInstanceLogs,
  listInstanceLogsAfter,
  type LogCursor,
  type LogLine,
  readLogTail,
  timeNsText,
  trimInstanceLogs,
} from "./mod.ts";

const test = testOnCtrlDatabases();

function line(
  instance: string,
  timeNs: number,
  ordinal = 0,
  text = `${instance} ${timeNs}.${ordinal}`,
): LogLine {
  return {
    instance,
    region: "local",
    timeNs: timeNsText(BigInt(timeNs)),
    ordinal,
    stream: "stdout",
    text,
  };
}

const newDeploymentId = (): string => newId("deployment", 1);

/** A reader that goes on where it was. */
function readerOf(db: CtrlDatabase, id: string) {
  let cursor: LogCursor = new Map();
  return async (limit = 100): Promise<string[]> => {
    const { lines } = await listInstanceLogsAfter(db.kysely, id, cursor, limit);
    cursor = advanceLogCursor(cursor, lines);
    return lines.map((each) => each.text);
  };
}

async function textsOf(db: CtrlDatabase, deploymentId: string): Promise<string[]> {
  const pages = await Array.fromAsync(readLogTail(db, { deploymentId, lines: 100_000 }));
  return pages.flat().map((each) => each.text);
}

/** Instances ship on their own; one that is late must not lose its lines to a reader who is ahead. */
test("a reader gets every line once, although instances ship late and twice", async (db) => {
  const id = newDeploymentId();
  const read = readerOf(db, id);
  await insertInstanceLogs(db.kysely, id, [line("a", 10), line("a", 20)]);
  await insertInstanceLogs(db.kysely, id, [line("a", 10), line("a", 20), line("a", 20, 1)]);
  assert.deepEqual(await read(1), ["a 10.0", "a 20.0"], "a block is read whole");
  assert.deepEqual(await read(), ["a 20.1"]);
  await insertInstanceLogs(db.kysely, id, [line("a", 20, 1), line("b", 15), line("a", 30)]);
  assert.deepEqual(await read(), ["b 15.0", "a 30.0"]);
  assert.deepEqual(await read(), []);
  assert.deepEqual(await textsOf(db, id), ["a 10.0", "b 15.0", "a 20.0", "a 20.1", "a 30.0"]);
});

test("instances of two regions that have one name keep their lines apart", async (db) => {
  const id = newDeploymentId();
  const there = (timeNs: number): LogLine => ({ ...line("a", timeNs), region: "far", text: `far ${timeNs}` });
  const read = readerOf(db, id);
  await insertInstanceLogs(db.kysely, id, [there(50)]);
  assert.deepEqual(await read(), ["far 50"]);
  // The slower region ships what is older than the last line of the other one.
  await insertInstanceLogs(db.kysely, id, [line("a", 10), line("a", 60)]);
  await insertInstanceLogs(db.kysely, id, [there(55)]);
  assert.deepEqual(await read(), ["a 10.0", "far 55", "a 60.0"]);
  assert.deepEqual(await textsOf(db, id), ["a 10.0", "far 50", "far 55", "a 60.0"]);
});

test("lines that two calls stored at once are read once", async (db) => {
  const [id, other] = [newDeploymentId(), newDeploymentId()];
  const first = [line("a", 1), line("a", 2), line("a", 3)];
  // The state that two overlapping calls leave: each saw the end before the other one was there.
  await insertInstanceLogs(db.kysely, id, first.slice(0, 2));
  await insertInstanceLogs(db.kysely, other, first);
  await db.kysely.updateTable("log_blocks").set({ deployment_id: id }).where("deployment_id", "=", other)
    .execute();
  const read = readerOf(db, id);
  assert.deepEqual(await read(), ["a 1.0", "a 2.0", "a 3.0"]);
  assert.deepEqual(await textsOf(db, id), ["a 1.0", "a 2.0", "a 3.0"]);
});

test("NUL, control characters and every other character survive", async (db) => {
  const id = newDeploymentId();
  const odd = 'before\0after \u001b[1m \u{1f600} \ud7ff\ufffd\t\\"';
  await insertInstanceLogs(db.kysely, id, [line("a", 1, 0, odd)]);
  assert.deepEqual(await textsOf(db, id), [odd]);
});

test("long output is cut into blocks, and read in pages that say whether there is more", async (db) => {
  const id = newDeploymentId();
  const lines = Array.from({ length: 100 }, (_, n) => line("a", n, 0, `${n} ${"x".repeat(50_000)}`));
  for (let at = 0; at < lines.length; at += 20) {
    await insertInstanceLogs(db.kysely, id, lines.slice(at, at + 20));
  }
  const blocks = await db.kysely.selectFrom("log_blocks").select("size_bytes")
    .where("deployment_id", "=", id).execute();
  assert.ok(blocks.length >= 20, `${blocks.length} blocks`);
  assert.ok(blocks.every(({ size_bytes: bytes }) => bytes <= 256 * 1_024 + 1_000));
  let cursor: LogCursor = new Map();
  const texts: string[] = [];
  for (let more = true; more;) {
    const page = await listInstanceLogsAfter(db.kysely, id, cursor, 500);
    assert.ok(page.lines.length <= 25, `${page.lines.length} lines at once`);
    cursor = advanceLogCursor(cursor, page.lines);
    texts.push(...page.lines.map((each) => each.text));
    more = page.more;
  }
  assert.deepEqual(texts, lines.map((each) => each.text));
});

test("trimming keeps the newest blocks of the deployment", async (db) => {
  const [id, other] = [newDeploymentId(), newDeploymentId()];
  // Each is a block of its own, which counts 256 bytes.
  for (let n = 0; n < 50; n++) await insertInstanceLogs(db.kysely, id, [line(`i${n % 3}`, n)]);
  await insertInstanceLogs(db.kysely, other, [line("x", 0)]);
  assert.equal(await trimInstanceLogs(db.kysely, id, 50 * 256), 0);
  assert.equal(await trimInstanceLogs(db.kysely, id, 20 * 256), 30);
  const kept = await textsOf(db, id);
  assert.deepEqual([kept.length, kept[0]], [20, "i0 30.0"]);
  assert.equal((await textsOf(db, other)).length, 1);
});

test("trimming to a much lower bound removes all that is beyond it", async (db) => {
  const id = newDeploymentId();
  for (let n = 0; n < 130; n++) await insertInstanceLogs(db.kysely, id, [line("i", n)]);
  assert.equal(await trimInstanceLogs(db.kysely, id, 10 * 256), 120);
  const kept = await textsOf(db, id);
  assert.deepEqual([kept.length, kept[0]], [10, "i 120.0"]);
});
