import assert from "node:assert/strict";
import { type TaskEnd, taskEnd } from "./task_end.ts";

const END: TaskEnd = { exitCode: 0, isOutOfMemory: false, isTimedOut: false, memoryMib: 64, lines: [] };

const CASES: readonly (readonly [facts: Partial<TaskEnd>, reason: string, message: RegExp])[] = [
  [{}, "", /exit code 0/],
  [{ exitCode: 7 }, "", /exit code 7/],
  [{ exitCode: 137, isOutOfMemory: true, isTimedOut: true }, "oom_killed", /64 MiB/],
  // What ends with 0 at its signal has been stopped all the same.
  [{ isTimedOut: true }, "timed_out", /time limit/],
];

for (const [facts, reason, message] of CASES) {
  Deno.test(`the end of a task with ${JSON.stringify(facts)} has the reason "${reason}"`, () => {
    const end = taskEnd({ ...END, ...facts });
    assert.deepEqual([end.status, end.reason, end.exitCode], ["ended", reason, facts.exitCode ?? 0]);
    assert.match(end.message, message);
  });
}

Deno.test("the end of a task has the last twenty lines", () => {
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  assert.deepEqual(taskEnd({ ...END, lines }).lastLogLines, lines.slice(-20));
});
