import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { appendLogLines, listEventsAfter } from "./mod.ts";

const test = testOnCtrlDatabases();

/** A client resumes by number: a gap would look like a lost event, a late one would never be seen. */
test("events of parallel writers have no gaps, and log lines are bounded", async (db) => {
  const { id } = await seedDeployment(db, await seedProject(db));
  const writers = Array.from({ length: 12 }, (_, writer) =>
    transact(db, (tx) =>
      appendLogLines(tx, id, {
        source: "build",
        origin: `RUN ${writer}`,
        lines: Array.from({ length: writer * 50 }, () => "x".repeat(10_000)),
      }, NOW_MS)));
  await Promise.all(writers);
  const seen: number[] = [];
  let lines = 0;
  for (;;) {
    const page = await listEventsAfter(db.kysely, id, seen.at(-1) ?? 0, 5);
    if (page.length === 0) break;
    for (const { sequence, payload } of page) {
      seen.push(sequence);
      if (payload.kind !== "log") continue;
      lines += payload.lines.length;
      assert.ok(payload.lines.length <= 200 && payload.lines.every((line) => line.length <= 8_192));
    }
  }
  assert.deepEqual(seen, seen.map((_, index) => index + 1));
  assert.equal(lines, 50 * 66);
  await assert.rejects(
    transact(
      db,
      (tx) => appendLogLines(tx, "d_none", { source: "build", origin: "", lines: ["x"] }, NOW_MS),
    ),
    (error) => isFault(error, "not_found"),
  );
});
