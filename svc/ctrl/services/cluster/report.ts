import {
  type ReportDeploymentStatusRequest,
  type ReportDeploymentStatusRequest_Update_Instance as Instance,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { encodeEnd, type ReportedInstance } from "../../internal/store/mod.ts";
import {
  cutToBytes,
  hostPort,
  invalid,
  optionalText,
  text,
  version as wholeNumber,
} from "../../internal/validate/mod.ts";

/** A report whose every field holds what it may hold. */
export interface CheckedReport {
  readonly k8sName: string;
  readonly generation: number;
  readonly instances: readonly ReportedInstance[];
}

const INSTANCES_MAX = 1_000;
const NAME_LENGTH_MAX = 255;
const MESSAGE_BYTES_MAX = 4_096;
const LOG_LINES_MAX = 50;
const LOG_LINE_BYTES_MAX = 2_048;

/** The report, or `undefined` for an empty one. */
export function checkReport({ change }: ReportDeploymentStatusRequest): CheckedReport | undefined {
  switch (change.case) {
    case "update": {
      const { k8sName, generation, instances } = change.value;
      if (instances.length > INSTANCES_MAX) throw invalid("instances", `must be at most ${INSTANCES_MAX}`);
      return {
        k8sName: text("k8s_name", k8sName, NAME_LENGTH_MAX),
        generation: wholeNumber("generation", generation),
        instances: instances.map(checkInstance),
      };
    }
    case "delete": {
      const { k8sName, generation } = change.value;
      return {
        k8sName: text("k8s_name", k8sName, NAME_LENGTH_MAX),
        generation: wholeNumber("generation", generation),
        instances: [],
      };
    }
    default:
      return undefined;
  }
}

const STATUS: Record<Status, ReportedInstance["status"]> = {
  [Status.UNSPECIFIED]: "inactive",
  [Status.PENDING]: "pending",
  [Status.RUNNING]: "running",
  [Status.FAILED]: "failed",
};

function checkInstance(instance: Instance): ReportedInstance {
  const { address, reason, lastLogLines, lastEnd } = instance;
  return {
    k8s_name: text("instances.k8s_name", instance.k8sName, NAME_LENGTH_MAX),
    address: address === "" ? "" : hostPort("instances.address", address),
    cpu_millicores: wholeNumber("instances.cpu_millicores", instance.cpuMillicores),
    memory_mib: wholeNumber("instances.memory_mib", instance.memoryMib),
    // An enum of a newer client counts as not running.
    status: STATUS[instance.status] ?? "inactive",
    reason: optionalText("instances.reason", reason, 64),
    message: cutToBytes(instance.message, MESSAGE_BYTES_MAX),
    exit_code: instance.exitCode ?? null,
    restarts: instance.restarts,
    last_log_lines: JSON.stringify(
      lastLogLines.slice(-LOG_LINES_MAX).map((line) => cutToBytes(line, LOG_LINE_BYTES_MAX)),
    ),
    last_end: lastEnd === undefined ? null : encodeEnd({
      reason: optionalText("instances.last_end.reason", lastEnd.reason, 64),
      message: cutToBytes(lastEnd.message, MESSAGE_BYTES_MAX),
      exitCode: lastEnd.exitCode,
      atMs: Math.max(0, Number(lastEnd.at)),
    }),
  };
}
