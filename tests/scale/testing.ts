/** A run without a platform, for tests of what is made of it. */
import { PHASES } from "../bench/scale/phases.ts";
import type { ScaleResult } from "../bench/scale/run.ts";
import type { Sample } from "../bench/scale/sampler.ts";
import { BOUNDS } from "../bench/bounds.ts";

export const BEGAN_MS = 1_760_000_000_000;
const MINUTE_MS = 60_000;
const PROCESSES = Object.keys(BOUNDS.scaleMib.limit);

/** A look at processes that have used `processorS` each, and a database that has done as many hundreds of everything. */
export function sample(atMs: number, used: number, mib = 100): Sample {
  return {
    atMs,
    residentMib: Object.fromEntries(PROCESSES.map((name) => [name, mib])),
    processorS: Object.fromEntries(PROCESSES.map((name) => [name, used])),
    database: {
      statements: used * 100,
      rowsRead: used * 100,
      rowsWritten: used * 100,
      bytes: used * 102_400,
      threadsRunning: 1,
      lockWaits: 0,
    },
  };
}

/** Four good deploys in two minutes. */
export function goodRun(changes: Partial<ScaleResult> = {}): ScaleResult {
  const times = [0, 1, 2, 3].map((n) => ({
    id: `d_${n}`,
    beganAtMs: BEGAN_MS + n * MINUTE_MS / 2,
    ms: Object.fromEntries(PHASES.map((phase, index) => [phase, 100 * (index + 1) + n])),
  }));
  return {
    size: { regions: 2, projects: 2, deployments: 4, deploys: 4, deploysPerMinute: 2 },
    seedMs: 1_000,
    reportedMs: 2_000,
    loadMs: 2 * MINUTE_MS,
    drainedMs: 2 * MINUTE_MS,
    times,
    ended: { ready: 3, stopped: 1 },
    problems: [],
    left: { running: 0, instances: 0, active: 0, workflows: 0, behind: 0, switching: 0 },
    idle: [sample(0, 0), sample(10_000, 1)],
    samples: [sample(0, 1), sample(MINUTE_MS, 9), sample(2 * MINUTE_MS, 17)],
    beganAtMs: BEGAN_MS,
    statements: [],
    ...changes,
  };
}
