import assert from "node:assert/strict";
import type { Instance } from "../runtime/port.ts";
import { mustSendNow } from "./report.ts";

const PENDING: Instance = {
  name: "a",
  address: "",
  cpuMillicores: 1,
  memoryMib: 1,
  status: "pending",
  reason: "creating",
  message: "",
  restarts: 0,
  lastLogLines: [],
};
const RUNNING: Instance = { ...PENDING, status: "running", reason: "", address: "10.0.0.1:80" };
const REFUSED: Instance = { ...PENDING, reason: "refused", message: "not allowed" };
const FAILED: Instance = { ...PENDING, status: "failed", reason: "crash_loop" };

Deno.test("mustSendNow() for what begins or ceases to serve, fails, is refused, or fails otherwise", () => {
  const second = { ...RUNNING, name: "b" };
  const urgent: [readonly Instance[], readonly Instance[] | undefined][] = [
    [[RUNNING], undefined],
    [[RUNNING], [PENDING]],
    [[PENDING], [RUNNING]],
    [[], [RUNNING]],
    [[RUNNING], [RUNNING, second]],
    [[{ ...RUNNING, address: "10.0.0.2:80" }], [RUNNING]],
    [[FAILED], [PENDING]],
    [[{ ...FAILED, restarts: 3 }], [FAILED]],
    [[REFUSED], [PENDING]],
    [[{ ...REFUSED, message: "no room" }], [REFUSED]],
  ];
  for (const [content, sent] of urgent) {
    assert.ok(mustSendNow(content, sent), JSON.stringify([content, sent]));
  }
});

Deno.test("mustSendNow() is false for pending instances beside running ones", () => {
  const next = { ...PENDING, name: "b" };
  const steps: [readonly Instance[], readonly Instance[] | undefined][] = [
    [[], undefined],
    [[PENDING], []],
    [[{ ...PENDING, reason: "starting" }], [PENDING]],
    [[RUNNING, next], [RUNNING]],
    [[{ ...next, reason: "starting" }, RUNNING], [RUNNING, next]],
  ];
  for (const [content, sent] of steps) {
    assert.ok(!mustSendNow(content, sent), JSON.stringify([content, sent]));
  }
});
