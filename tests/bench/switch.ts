/** Traffic that moves under load: no request may fail, and the old version answers for less than a second more. */
// deno-lint-ignore-file no-console -- prints a table when run alone
import { switchUnderLoad } from "../testbed/switch_load.ts";
import { BOUNDS } from "./bounds.ts";
import { quantile, report, type Row } from "./row.ts";

const LOAD = {
  ...{ deploys: 10, rollbacks: 100, requests: BOUNDS.requestsFailed.limit },
  // Longer than any old answer may come after a switch.
  ...{ lanes: 8, pauseMs: 0, quietMs: 1_500 },
};

/** Deploys ten versions, then moves the traffic there and back a hundred times. */
export async function benchSwitch(): Promise<Row[]> {
  const { asked, failed, rollbacksMs, promotesMs } = await switchUnderLoad(LOAD);
  if (failed.length > 0) console.error(failed.join("\n"));
  return [
    {
      measure: `requests failed during ${LOAD.deploys} deploys, ${LOAD.rollbacks} rollbacks and promotes`,
      bound: BOUNDS.requestsFailed,
      measured: `${failed.length} in ${asked}`,
      ok: failed.length === 0 && asked >= LOAD.requests,
    },
    lastOldRow("rollback -> last old response at the edge, p99", rollbacksMs),
    lastOldRow("promote -> last old response at the edge, p99", promotesMs),
  ];
}

function lastOldRow(measure: string, values: readonly number[]): Row {
  const [p50, p99] = [quantile(values, 0.5), quantile(values, 0.99)];
  return {
    measure,
    bound: BOUNDS.lastOldMs,
    measured: `${p99.toFixed(0)} ms (p50 ${p50.toFixed(0)} ms, ${values.length} times)`,
    ok: p99 < BOUNDS.lastOldMs.limit,
  };
}

if (import.meta.main) report(await benchSwitch());
