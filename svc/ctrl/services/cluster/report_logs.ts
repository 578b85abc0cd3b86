import type { ReportInstanceLogsRequest } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { OutputStore } from "../../internal/logs/mod.ts";
import { listTopology, type LogLine, timeNsText } from "../../internal/store/mod.ts";
import { cutToBytes, invalid, key, text } from "../../internal/validate/mod.ts";
import type { ClusterDeps } from "./deps.ts";

const LINES_MAX = 1_000;
/** More than a character of four bytes for each one that an agent lets pass. */
const LINE_BYTES_MAX = 262_144;
const CUT = " (unkey: the line goes on, and was cut here)";

/** Stores batches of output; one per process. */
export interface LogTaker {
  /** @throws `invalid_argument`; lines of a deployment that was never placed in the region are dropped */
  take(region: string, request: ReportInstanceLogsRequest): Promise<void>;
}

export function createLogTaker(
  { db, logs, outputBytesMax }: Pick<ClusterDeps, "db" | "logs" | "outputBytesMax">,
): LogTaker {
  const output = new OutputStore({ db, hub: logs, bytesMax: outputBytesMax });
  return {
    async take(region, request): Promise<void> {
      const deploymentId = text("deployment_id", request.deploymentId, 128);
      const lines = checkLines(region, request);
      const placements = await listTopology(db.kysely, deploymentId);
      if (lines.length === 0 || !placements.some((each) => each.region === region)) return;
      await output.put(deploymentId, lines);
    },
  };
}

function checkLines(region: string, { lines }: ReportInstanceLogsRequest): LogLine[] {
  if (lines.length > LINES_MAX) throw invalid("lines", `must be at most ${LINES_MAX}`);
  return lines.map(({ instance, timeNs, ordinal, stream, text: line }) => {
    if (stream !== "stdout" && stream !== "stderr") {
      throw invalid("lines.stream", "must be stdout or stderr", stream);
    }
    return {
      instance: key("lines.instance", instance, 255),
      timeNs: timeNsText(timeNs),
      ordinal,
      region,
      stream,
      text: cutLine(line),
    };
  });
}

function cutLine(line: string): string {
  const cut = cutToBytes(line, LINE_BYTES_MAX);
  return cut.length === line.length ? line : `${cut}${CUT}`;
}
