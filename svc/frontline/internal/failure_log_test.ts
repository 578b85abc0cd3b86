import assert from "node:assert/strict";
import { createLogger } from "../../../pkg/logger/mod.ts";
import type { FailureReport } from "../../../pkg/proxy/mod.ts";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { FailureLog } from "./failure_log.ts";

const REPORT: FailureReport = {
  kind: "unknown_host",
  detail: "No route.",
  id: "req_1",
  status: 404,
  method: "GET",
  host: "nope",
  accept: undefined,
  upstream: undefined,
  cut: false,
  cause: undefined,
};

/** Each refused request was a line: anyone could fill the disk with them. */
Deno.test("FailureLog writes a bounded number of lines, and says how many it left out", async () => {
  const lines: string[] = [];
  const clock = new ManualClock();
  const log = createLogger({ service: "test", level: "info", write: (line) => void lines.push(line) });
  const failures = new FailureLog({ log, clock });
  for (let count = 0; count < 1_000; count++) failures.note(REPORT);
  assert.equal(lines.length, 100);
  await clock.advance(10_000);
  failures.note({ ...REPORT, status: 502, kind: "upstream_closed" });
  assert.match(lines[100] ?? "", /left out".*"count":900/);
  assert.match(lines[101] ?? "", /"level":"warn".*request failed.*upstream_closed/);
  await clock.advance(10_000);
  failures.note(REPORT);
  assert.equal(lines.length, 103, "nothing was left out meanwhile");
});
