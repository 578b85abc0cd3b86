import assert from "node:assert/strict";
import type { WorkspaceHead } from "../../internal/store/mod.ts";
import { WorkspaceLog } from "./workspace_log.ts";

function heads(marks: Readonly<Record<string, string>>): WorkspaceHead[] {
  return Object.entries(marks).map(([id, mark]) => ({ object: "deployment", id, projectId: "p", mark }));
}

function brief(
  log: WorkspaceLog,
  sequence: number,
  epoch = log.after({ epoch: "", sequence: 0 })?.epoch ?? "",
) {
  const after = log.after({ epoch, sequence });
  return after?.all === true ? "all" : after?.changes.map(({ id }) => id).sort();
}

Deno.test("a log has each object that changed after a sequence, once", () => {
  const log = new WorkspaceLog();
  assert.equal(log.after({ epoch: "", sequence: 0 }), undefined, "before the first look");
  assert.equal(log.take(heads({ a: "1", b: "1" })), true);
  assert.equal(log.take(heads({ a: "1", b: "1" })), false);
  assert.equal(log.sequence, 1);
  log.take(heads({ a: "2", b: "1" }));
  log.take(heads({ a: "3", b: "1", c: "1" }));
  log.take(heads({ a: "3", c: "1" }));
  assert.equal(log.sequence, 4);
  assert.deepEqual([1, 2, 3, 4].map((sequence) => brief(log, sequence)), [
    ["a", "b", "c"],
    ["a", "b", "c"],
    ["b"],
    [],
  ]);
});

Deno.test("anything may have changed for a position of another epoch, an unknown one, and one too old", () => {
  const log = new WorkspaceLog(2);
  log.take(heads({ a: "1", b: "1", c: "1" }));
  assert.equal(brief(log, 1, "other"), "all");
  assert.equal(brief(log, 2), "all", "a sequence of the future");
  assert.equal(brief(log, 0), "all", "the first stream");
  log.take(heads({ a: "2", b: "1", c: "1" }));
  log.take(heads({ a: "2", b: "2", c: "1" }));
  assert.deepEqual(brief(log, 1), ["a", "b"]);
  log.take(heads({ a: "2", b: "2", c: "2" }));
  assert.equal(brief(log, 1), "all", "the change of a is not kept");
  assert.deepEqual(brief(log, 2), ["b", "c"]);
});
