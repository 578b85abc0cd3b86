/** The load of placements, from the newest reports of all edges and agents. */
import { decodeLoads, type Load, type ReportedLoad } from "../../internal/scaling/mod.ts";
import { EDGE_REGION, listAgents, listLoadReports, type Queryable } from "../../internal/store/mod.ts";

/** Edges report every 2 s: a report that is older counts no more. */
const EDGE_REPORT_MS_MAX = 10_000;
/** Agents report 5 s after they have measured, which takes some seconds for many containers. */
const AGENT_REPORT_MS_MAX = 30_000;

export interface ReportedLoads {
  of(placement: { readonly deploymentId: string; readonly region: string }): Load;
}

/**
 * Reads all reports. An edge that is known, but has not reported, may have any number of requests: until it is forgotten, or
 * comes back, no sum is complete.
 */
export async function readLoads(db: Queryable, nowMs: number): Promise<ReportedLoads> {
  const edges = await listAgents(db, { sinceMs: 0, region: EDGE_REGION });
  const reports = await listLoadReports(db, nowMs - Math.max(EDGE_REPORT_MS_MAX, AGENT_REPORT_MS_MAX));
  const byEdges = reports.filter((each) =>
    each.kind === "edge" && each.reported_at >= nowMs - EDGE_REPORT_MS_MAX
  );
  const sources = new Set(byEdges.map(({ source }) => source));
  const haveAllReported = edges.length > 0 && edges.every(({ agent_id }) => sources.has(agent_id));
  const requests = new Map<string, { milli: number; reporters: number }>();
  for (const { loads } of byEdges) {
    for (const each of decodeLoads(loads)) {
      const known = requests.get(keyOf(each)) ?? { milli: 0, reporters: 0 };
      requests.set(keyOf(each), { milli: known.milli + each.value, reporters: known.reporters + 1 });
    }
  }
  const usage = new Map<string, ReportedLoad>();
  for (const { loads, kind, source } of reports) {
    if (kind !== "agent") continue;
    for (const each of decodeLoads(loads)) usage.set(keyOf({ ...each, region: source }), each);
  }
  return {
    of(placement) {
      const seen = requests.get(keyOf(placement));
      const used = usage.get(keyOf(placement));
      return {
        ...(seen === undefined ? {} : {
          requests: {
            concurrency: seen.milli / 1_000,
            isComplete: haveAllReported && seen.reporters === byEdges.length,
          },
        }),
        ...(used === undefined ? {} : { cpu: { millicores: used.value, instances: used.instances } }),
      };
    },
  };
}

function keyOf({ deploymentId, region }: Pick<ReportedLoad, "deploymentId" | "region">): string {
  return `${deploymentId} ${region}`;
}
