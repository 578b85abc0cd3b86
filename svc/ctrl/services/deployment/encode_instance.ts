import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DeploymentInstanceSchema } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { decodeStrings } from "../../internal/json.ts";
import { decodeEnd, type InstancesTable } from "../../internal/store/mod.ts";

/** The message about one instance. */
export function encodeInstance(row: InstancesTable): MessageInitShape<typeof DeploymentInstanceSchema> {
  return {
    name: row.k8s_name,
    region: row.region,
    status: row.status,
    reason: row.reason,
    message: row.message,
    restarts: row.restarts,
    ...(row.exit_code === null ? {} : { exitCode: row.exit_code }),
    lastLogLines: [...decodeStrings(row.last_log_lines)],
    ...(row.last_end === null ? {} : { lastEnd: encodeLastEnd(row.last_end) }),
    cpuMillicores: BigInt(row.cpu_millicores),
    memoryMib: BigInt(row.memory_mib),
    updatedAt: BigInt(row.updated_at),
    troubleSince: BigInt(row.trouble_since ?? 0),
  };
}

function encodeLastEnd(text: string) {
  const { reason, message, exitCode, atMs } = decodeEnd(text);
  return { reason, message, exitCode, at: BigInt(atMs) };
}
