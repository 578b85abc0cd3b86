import assert from "node:assert/strict";
import { costsOf, peaks } from "../bench/scale/costs.ts";
import { growthTable } from "../bench/scale/growth.ts";
import { quantiles } from "../bench/scale/phases.ts";
import { reportRun } from "../bench/scale/report.ts";
import { readStatements } from "../bench/scale/statements.ts";
import { goodRun, sample } from "./testing.ts";

Deno.test("the cost of a deploy is its share of what the load used beyond the idle platform", () => {
  // Under load 16 s in 120 s, at rest 1 s in 10 s: 4 s are left for 4 deploys.
  const { processorMs, statements, kib } = costsOf(goodRun());
  assert.deepEqual([processorMs["api"], statements, kib], [1_000, 100, 100]);
});

Deno.test("the peak of a process is the most that any sample has", () => {
  const most = peaks([sample(0, 1, 10), sample(1, 2, 30), sample(2, 3, 20)]);
  assert.equal(most.get("worker"), 30);
});

Deno.test("quantiles of a phase are of the deploys that reached it", () => {
  const times = goodRun().times.map((each, n) => n === 0 ? { ...each, ms: {} } : each);
  assert.deepEqual(quantiles(times).switched, { count: 3, p50Ms: 502, p99Ms: 503 });
});

Deno.test("a report has a row for each phase, process and statement", () => {
  const statements = [{ text: "select a | b", times: 2, rows: 900, rowsMax: 500, seconds: 1 }];
  const text = reportRun(goodRun({ statements }));
  for (
    const row of [
      "| switched | 4 | 501 ms | 503 ms |",
      "| api | 100 MiB | 100 MiB | 1000 ms | 10.0 % |",
      "| `select a \\| b` | 2 | 500 | 900 |",
    ]
  ) assert.ok(text.includes(row), `${row}\n${text}`);
});

Deno.test("a table of growth has a row for each size", () => {
  const [, , row] = growthTable("deployments", [goodRun()]);
  assert.match(
    row ?? "",
    /^\| 4 \| 100 \| 100 \| 100 \| 100 \| 7000 ms \| 1000, 1000, 1000 ms \| 2 s \| 10\.0\/s \|/,
  );
});

const LOG = `/usr/sbin/mariadbd, Version: 10.11. started with:
Tcp port: 13879  Unix socket: /tmp/socket
Time		    Id Command	Argument
# Time: 261130 21:23:08
# User@Host: root[root] @  [127.0.0.1]
# Thread_id: 5  Schema: test_1  QC_hit: No
# Query_time: 0.010000  Lock_time: 0.000010  Rows_sent: 3  Rows_examined: 600
# Rows_affected: 0  Bytes_sent: 90
use test_1;
SET timestamp=1796073788;
select \`id\` from \`instances\`
  where \`id\` in ('a''b', 'c') and version > 17;
# User@Host: root[root] @  [127.0.0.1]
# Query_time: 0.020000  Lock_time: 0.000010  Rows_sent: 3  Rows_examined: 400
SET timestamp=1796073789;
select \`id\` from \`instances\` where \`id\` in ('d') and version > 18;
# Query_time: 0.020000  Lock_time: 0.000010  Rows_sent: 3  Rows_examined: 700
SET timestamp=1796073789;
select \`id\` from \`instances\` where \`id\` in ('d', 'e', 'f') and version > 19;
`;

Deno.test("notes of statements are added up by their shape, whatever their values", () => {
  const [first, second] = readStatements(LOG);
  const text = "select id from instances where id in (?, ...) and version > ?";
  assert.deepEqual(first, { text, times: 2, rowsMax: 700, rows: 1_300, seconds: 0.03 });
  assert.equal(second?.text, "select id from instances where id in (?) and version > ?");
  assert.deepEqual(readStatements(LOG, (each) => each.includes("instances")), []);
});
