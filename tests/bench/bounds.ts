/** Every bound that the benches judge by. `docs/bounds.md` explains them. */

/** A limit with its text in the table. */
export interface Bound<L = number> {
  readonly text: string;
  /** In the unit that the name of the bound ends with. */
  readonly limit: L;
}

function below(limit: number, unit: string): Bound {
  return { limit, text: `< ${limit} ${unit}` };
}

function seconds(limitMs: number): Bound {
  return { limit: limitMs, text: `< ${limitMs / 1_000} s` };
}

/** Answers per second that the original system reached on 2 cores, without authentication. */
const ORIGINAL = { one: 785, sixteen: 2_550 };
const BUILD = { factor: 1.1, extraMs: 300 };

/** Of each process in the short form of the scale run. */
const SCALE_MIB: Readonly<Record<string, number>> = {
  api: 300,
  worker: 300,
  restate: 500,
  mariadb: 500,
  "one edge": 220,
  "other edges": 350,
  "all agents": 350,
};

export const BOUNDS = {
  wakeMs: seconds(2_000),
  wakeFailed: { limit: 0, text: "0 failed" },
  autoscaleMs: seconds(15_000),
  autoscaleFailed: { limit: 0, text: "0 failed" },
  logSearchMs: below(1_000, "ms"),
  frameMs: { limit: 25, text: "p95 of frames < 25 ms" },
  firstPaintMs: below(1_000, "ms to the first rows"),
  tabKib: below(100, "KiB for each tab"),
  helpMs: below(100, "ms"),
  executableMb: below(110, "MB"),
  packMs: below(1_000, "ms"),
  packFirst: { limit: 1, text: "<= tar -cz of the same" },
  uploadUnchanged: { limit: { ms: 1_000 }, text: "< 1 s, 0 bytes" },
  uploadChange: { limit: { extraMs: 500, bytes: 2_000_000 }, text: "<= docker build + 500 ms, < 2 MB sent" },
  build: { limit: BUILD, text: `<= ${BUILD.factor} x docker build + ${BUILD.extraMs} ms` },
  upReadyMs: seconds(10_000),
  firstDeployMs: seconds(6_000),
  nextDeployMs: seconds(2_000),
  allInOneMib: below(250, "MiB"),
  idleProcessMib: below(120, "MiB"),
  getDeploymentOne: { limit: ORIGINAL.one, text: `>= ${ORIGINAL.one}/s` },
  getDeploymentSixteen: { limit: 2 * ORIGINAL.sixteen, text: `>= ${2 * ORIGINAL.sixteen}/s` },
  edgeRate: { limit: 1, text: ">= Caddy side by side" },
  metricsCost: { limit: 1.03, text: "<= 1.03 x the processor time without" },
  trafficWrites: {
    limit: { reports: 1, sums: 1.5 },
    text: "<= 1 statement per second for reports, <= 1.5 for sums",
  },
  tlsRate: { limit: 1, text: "HTTPS >= Caddy side by side" },
  tlsResumedRate: { limit: 0.8, text: "resumed >= 0.8 x Caddy side by side" },
  tlsIdleKib: below(100, "KiB"),
  floodRate: { limit: 0.7, text: "0 failed, >= 0.7 x before the flood" },
  edgeGrowthMib: { limit: 64, text: "grows < 64 MiB" },
  delivery200: { limit: { p50Ms: 50, p99Ms: 250 }, text: "p50 < 50 ms, p99 < 250 ms" },
  delivery1000: { limit: { p50Ms: 100, p99Ms: 500 }, text: "p50 < 100 ms, p99 < 500 ms" },
  idleQueriesPerSecond: { limit: 5, text: "idle <= 5/s" },
  streamKib: below(64, "KiB"),
  snapshot: { limit: { ms: 10_000, mib: 150 }, text: "< 10 s, < 150 MiB" },
  changesLost: { limit: 0, text: "0 lost" },
  requestsFailed: { limit: 10_000, text: "0 in 10,000" },
  gradualFailed: { limit: 0, text: "0 failed" },
  gradualAbortMs: seconds(30_000),
  lastOldMs: seconds(1_000),
  appliedMs: seconds(2_000),
  readyRatio: { limit: 1.15, text: "<= 1.15 x bare sets of the same pods" },
  kubeCalls: { limit: 0.5, text: "<= 1/2 of the library" },
  kubeOneByOne: { limit: 1, text: "faster than the library" },
  kubeDeletesFailed: { limit: 0, text: "0 of 200" },
  kubeConnections: { limit: 2, text: "<= 2" },
  kubeMemory: { limit: 1, text: "less than the library" },
  certificateMs: seconds(1_000),
  tenantsP99: { limit: 3, text: "0 failed, p99 <= 3 x the quiet one" },
  shownMs: seconds(5_000),
  scaleMib: { limit: SCALE_MIB, text: "all right, each within its memory" },
  reportedMs: { limit: 1_000, text: "all < 1 s" },
} as const;
