import type { Clock } from "../../../../pkg/clock/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { ReportLoadRequest } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import { type CtrlDatabase, recordLoads, removeLoads } from "../../internal/store/mod.ts";
import { invalid, key, text } from "../../internal/validate/mod.ts";

const LOADS_MAX = 10_000;
const CONCURRENCY_MILLI_MAX = 2n ** 40n;

/** Keeps the load that an edge reports, in the place of what it reported before. @throws `invalid_argument` */
export async function takeLoadReport(
  { db, clock }: { readonly db: CtrlDatabase; readonly clock: Clock },
  { edgeId, processId, loads, isLast }: ReportLoadRequest,
): Promise<void> {
  const source = `${EDGE_REGION}:${key("edge_id", edgeId, 63)}`;
  const reporter = `edge:${key("process_id", processId, 63)}`;
  if (loads.length > LOADS_MAX) throw invalid("loads", `must be at most ${LOADS_MAX}`);
  const read = loads.map(({ deploymentId, region, concurrencyMilli }) => {
    if (concurrencyMilli > CONCURRENCY_MILLI_MAX) {
      throw invalid("loads.concurrency_milli", `must be at most ${CONCURRENCY_MILLI_MAX}`);
    }
    return {
      deploymentId: parseId("deployment", "loads.deployment_id", deploymentId),
      region: text("loads.region", region, 63),
      value: Number(concurrencyMilli),
      instances: 0,
    };
  });
  if (isLast) await removeLoads(db.kysely, reporter);
  else {
    await recordLoads(db.kysely, {
      reporter,
      kind: "edge",
      source,
      reportedAtMs: clock.now(),
      loads: read,
    });
  }
}
