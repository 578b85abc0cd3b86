import assert from "node:assert/strict";
import { changesBetween } from "./instance_changes.ts";
import { encodeEnd } from "./instance_end.ts";

type Row = Parameters<typeof changesBetween>[0][number];

const NOW = 1_000_000;

function row(changes: Partial<Row> = {}): Row {
  return {
    k8s_name: "a",
    status: "running",
    reason: "",
    message: "",
    exit_code: null,
    restarts: 0,
    last_end: null,
    ...changes,
  };
}

const pending = (reason: string, name = "a"): Row =>
  row({ k8s_name: name, status: "pending", reason, message: `because of ${reason}` });
const failed = (reason: string, exit_code: number | null): Row =>
  row({ status: "failed", reason, message: `because of ${reason}`, exit_code });
const ended = (atMs: number, restarts: number, changes: Partial<Row> = {}): Row =>
  row({
    restarts,
    last_end: encodeEnd({ reason: "exited", message: "It ended.", exitCode: 3, atMs }),
    ...changes,
  });

const CASES:
  readonly (readonly [name: string, before: readonly Row[], after: readonly Row[], want: string[]])[] = [
    ["nothing", [row()], [row()], []],
    ["a start", [], [pending("creating")], []],
    ["a start that goes on", [pending("creating")], [pending("starting")], []],
    ["a start that is over", [pending("starting")], [row()], []],
    ["an app that does not listen yet", [pending("starting")], [pending("not_listening")], []],
    ["the pods of before still end", [], [pending("leaving", "a-refused")], []],
    ["an end of a run", [row()], [ended(900_000, 1)], ["ended exited x1 at 900000"]],
    ["the same end again", [ended(900_000, 1)], [ended(900_000, 1)], []],
    ["several ends in one report", [ended(900_000, 1)], [ended(950_000, 4)], ["ended exited x3 at 950000"]],
    ["an end that was before this instance was known", [], [ended(900_000, 2)], [
      "ended exited x2 at 900000",
    ]],
    [
      "a crash loop, reported as its ends",
      [row()],
      [ended(900_000, 2, { status: "failed", reason: "crash_loop", exit_code: 3 })],
      ["ended exited x2 at 900000"],
    ],
    ["a container that cannot be started", [row()], [failed("crash_loop", null)], [
      "trouble crash_loop x1 at 1000000",
    ]],
    ["an eviction", [row()], [failed("evicted", 137)], ["trouble evicted x1 at 1000000"]],
    ["a failing check", [row()], [row({ reason: "unhealthy" })], ["trouble unhealthy x1 at 1000000"]],
    ["a check that goes on failing", [row({ reason: "unhealthy" })], [
      row({ reason: "unhealthy", message: "b" }),
    ], []],
    ["a check that succeeds", [row({ reason: "unhealthy" })], [row()], ["recovered unhealthy x1 at 1000000"]],
    ["a node that answers again", [pending("node_not_ready")], [row()], [
      "recovered node_not_ready x1 at 1000000",
    ]],
    ["no room", [row()], [row(), pending("quota", "a-refused")], ["trouble quota x1 at 1000000"]],
    [
      "another refusal",
      [pending("quota", "a-refused")],
      [pending("refused", "a-refused")],
      ["trouble refused x1 at 1000000"],
    ],
    [
      "a refusal that is over",
      [pending("refused", "a-refused")],
      [pending("creating", "a-x1")],
      ["recovered refused x1 at 1000000"],
    ],
    ["a stop", [pending("refused", "a-refused")], [], []],
  ];

Deno.test("changesBetween() makes events of what befell instances, and none of a start", async (t) => {
  for (const [name, before, after, want] of CASES) {
    await t.step(name, () => {
      const found = changesBetween(before, after, NOW);
      assert.deepEqual(
        found.map(({ kind, reason, times, atMs }) => `${kind} ${reason} x${times} at ${atMs}`),
        want,
      );
    });
  }
});
