/** Instances that follow a load in steps, up and down, on Docker: in time, and without a failed request. */
// deno-lint-ignore-file no-console -- prints a table when run alone
import { steppedLoad } from "../testbed/stepped_load.ts";
import { BOUNDS } from "./bounds.ts";
import { loadAverage, report, type Row } from "./row.ts";

const DOWN_AFTER_SECONDS = 10;
const LOAD = {
  max: 5,
  targetConcurrency: 4,
  downAfter: `${DOWN_AFTER_SECONDS}s`,
  steps: [
    { lanes: 4, instances: 1 },
    { lanes: 11, instances: 3 },
    { lanes: 19, instances: 5 },
    { lanes: 11, instances: 3 },
    { lanes: 2, instances: 1 },
  ],
};

/** Steps up to five instances and down to one. */
export async function benchAutoscale(): Promise<Row[]> {
  const { steps, asked, failed } = await steppedLoad(LOAD);
  if (failed.length > 0) console.error(failed.join("\n"));
  const rows = steps.slice(1).map(({ lanes, instances, followedMs }, at): Row => {
    const isDown = instances < (steps[at]?.instances ?? 0);
    // Fewer instances come only when fewer were enough for the time that is set.
    const ownMs = followedMs - (isDown ? DOWN_AFTER_SECONDS * 1_000 : 0);
    return {
      measure: `load -> ${instances} instances for ${lanes} requests at a time, ${isDown ? "down" : "up"}`,
      bound: BOUNDS.autoscaleMs,
      measured: `${(ownMs / 1_000).toFixed(1)} s${isDown ? ` after ${DOWN_AFTER_SECONDS} s` : ""}`,
      ok: ownMs < BOUNDS.autoscaleMs.limit,
    };
  });
  const measure = "requests failed while instances came and went";
  const measured = `${failed.length} in ${asked}. ${loadAverage()}`;
  return [...rows, { measure, bound: BOUNDS.autoscaleFailed, measured, ok: failed.length === 0 }];
}

if (import.meta.main) report(await benchAutoscale());
