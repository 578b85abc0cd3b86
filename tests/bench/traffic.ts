/**
 * The cost of counting the requests of deployments: in an edge, and as statements that the database gets from an edge and a
 * worker. `deno task bench traffic`
 */
import type { KyselyPlugin } from "kysely";
import { newDnsName, newId } from "../../pkg/uid/mod.ts";
import { recordTraffic } from "../../svc/ctrl/internal/store/mod.ts";
import { openTestDatabase } from "../../svc/ctrl/internal/store/testing.ts";
import { countsOf } from "../../svc/ctrl/internal/traffic/testing.ts";
import { sumTraffic } from "../../svc/ctrl/worker/tasks/traffic_sums.ts";
import { BOUNDS } from "./bounds.ts";
import { compareEdges } from "./metrics.ts";
import type { Row } from "./row.ts";

const INTERVAL_MS = 10_000;
/** Two hours and a half: rows of 10 s leave after two. */
const INTERVALS = 150 * 6;
/** The worker's rounds, in intervals. */
const ROUND = 6;
const WRITES = new Set(["InsertQueryNode", "UpdateQueryNode", "DeleteQueryNode", "RawNode"]);

export async function benchTraffic(): Promise<Row[]> {
  const edges = await compareEdges({
    names: ["requests uncounted", "requests counted"],
    options: [["", "uncounted"], []],
  });
  const rows: Row[] = [];
  for (const deployments of [1, 1_000]) rows.push(await writesRow(deployments));
  return [...edges, ...rows];
}

async function writesRow(count: number): Promise<Row> {
  const db = await openTestDatabase();
  let writes = 0;
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      if (WRITES.has(node.kind)) writes++;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  const counted = { ...db, kysely: db.kysely.withPlugin(plugin) };
  const deployments = Array.from({ length: count }, () => ({
    deploymentId: newId("deployment", 0),
    counts: countsOf(100),
  }));
  let nowMs = 1_760_000_400_000;
  const clock = { now: () => nowMs, sleep: () => Promise.reject(new Error("nothing sleeps here")) };
  const signal = new AbortController().signal;
  let [reports, sums, reportMs] = [0, 0, 0];
  for (let interval = 0; interval < INTERVALS; interval++) {
    writes = 0;
    const begunMs = performance.now();
    const report = { processId: "p", region: "eu", startedAtMs: nowMs, mark: newDnsName(12), deployments };
    await recordTraffic(counted.kysely, report);
    reportMs += performance.now() - begunMs;
    reports += writes;
    nowMs += INTERVAL_MS;
    writes = 0;
    if (interval % ROUND === ROUND - 1) await sumTraffic({ db: counted, clock }, signal);
    sums += writes;
  }
  await db.close();
  const seconds = INTERVALS * INTERVAL_MS / 1_000;
  const [reportRate, sumRate] = [reports / seconds, sums / seconds];
  const { limit } = BOUNDS.trafficWrites;
  return {
    measure: `writes to the database, ${count} deployments, one edge`,
    bound: BOUNDS.trafficWrites,
    measured: `${reportRate.toFixed(2)}/s for reports (${(reportMs / INTERVALS).toFixed(1)} ms each), ${
      sumRate.toFixed(2)
    }/s for sums and removals`,
    ok: reportRate <= limit.reports && sumRate <= limit.sums,
  };
}
