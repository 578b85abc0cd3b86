// deno-lint-ignore-file no-console -- says what is wrong beside the table
/** The short form of the scale run as rows of the common table. */
import { BOUNDS } from "../bounds.ts";
import type { Row } from "../row.ts";
import { costsOf, peaks } from "./costs.ts";
import { judge } from "./judge.ts";
import { quantiles } from "./phases.ts";
import { runScale } from "./run.ts";
import { type ScaleSize, SHORT } from "./size.ts";

/** Measures the short form; `deno task bench:scale` measures the whole for half an hour. */
export async function benchScale(size: ScaleSize = SHORT): Promise<Row[]> {
  const result = await runScale(size);
  const problems = judge(result);
  for (const each of problems) console.error(`  ${each}`);
  const { switched } = quantiles(result.times);
  const { processorMs, statements } = costsOf(result);
  const processor = Object.values(processorMs).reduce((sum, each) => sum + each, 0);
  const most = Array.from(peaks(result.samples), ([name, mib]) => `${name} ${mib.toFixed(0)}`).join(", ");
  const label = `${size.deploys} deploys at ${size.deploysPerMinute} a minute in ${size.regions} regions`;
  return [
    {
      measure: `${label}: all end right, queues are empty, memory`,
      bound: BOUNDS.scaleMib,
      measured: `${problems.length === 0 ? "good" : `${problems.length} problems`}; MiB: ${most}`,
      ok: problems.length === 0,
    },
    {
      measure: `${label}: create -> switched`,
      measured: `p50 ${switched.p50Ms.toFixed(0)} ms, p99 ${switched.p99Ms.toFixed(0)} ms`,
      ok: undefined,
    },
    {
      measure: `${label}: cost of one`,
      measured: `${processor.toFixed(0)} ms of processor time, ${statements.toFixed(0)} statements`,
      ok: undefined,
    },
  ];
}
