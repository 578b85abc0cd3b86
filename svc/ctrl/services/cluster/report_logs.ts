import type { ReportInstanceLogsRequest } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import {
  insertInstanceLogs,
  type InstanceLogsTable,
  listTopology,
  timeNsText,
  trimInstanceLogs,
} from "../../internal/store/mod.ts";
import { cutToBytes, invalid, text } from "../../internal/validate/mod.ts";
import type { ClusterDeps } from "./deps.ts";

const LINES_MAX = 1_000;
const LINE_BYTES_MAX = 8_192;
/** Retention per deployment. */
const KEPT_LINES = 10_000;
/** A deployment is trimmed after so many new lines, so it exceeds the retention by at most this number. */
const TRIM_EVERY_LINES = 2_000;
const COUNTED_MAX = 10_000;

/** Stores batches of output; one per process. */
export interface LogTaker {
  /** @throws `invalid_argument`; lines of a deployment that was never placed in the region are dropped */
  take(region: string, request: ReportInstanceLogsRequest): Promise<void>;
}

export function createLogTaker({ db, logs }: Pick<ClusterDeps, "db" | "logs">): LogTaker {
  const untrimmed = new Map<string, number>();
  return {
    async take(region, request): Promise<void> {
      const deploymentId = text("deployment_id", request.deploymentId, 128);
      const lines = checkLines(region, deploymentId, request);
      const placements = await listTopology(db.kysely, deploymentId);
      if (lines.length === 0 || !placements.some((each) => each.region === region)) return;
      await insertInstanceLogs(db.kysely, lines);
      logs.reported(deploymentId);
      const count = (untrimmed.get(deploymentId) ?? 0) + lines.length;
      untrimmed.set(deploymentId, count);
      if (count >= TRIM_EVERY_LINES || untrimmed.size > COUNTED_MAX) {
        untrimmed.delete(deploymentId);
        await trimInstanceLogs(db.kysely, deploymentId, KEPT_LINES);
      }
    },
  };
}

function checkLines(
  region: string,
  deploymentId: string,
  { lines }: ReportInstanceLogsRequest,
): InstanceLogsTable[] {
  if (lines.length > LINES_MAX) throw invalid("lines", `must be at most ${LINES_MAX}`);
  return lines.map(({ instance, timeNs, ordinal, stream, text: line }) => {
    if (stream !== "stdout" && stream !== "stderr") {
      throw invalid("lines.stream", "must be stdout or stderr", stream);
    }
    return {
      deployment_id: deploymentId,
      instance: text("lines.instance", instance, 255),
      time_ns: timeNsText(timeNs),
      ordinal,
      region,
      stream,
      text: cutToBytes(line, LINE_BYTES_MAX),
    };
  });
}
