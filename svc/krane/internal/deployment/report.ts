import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
  type ReportDeploymentStatusRequestSchema,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import type { Report } from "../control/reporter.ts";
import type { StartSpan } from "./start_times.ts";
import type { Instance, InstanceEnd } from "../runtime/port.ts";

export type DeploymentReport = MessageInitShape<typeof ReportDeploymentStatusRequestSchema>;

const STATUS: Record<Instance["status"], Status> = {
  pending: Status.PENDING,
  running: Status.RUNNING,
  failed: Status.FAILED,
};

export function deploymentReport(
  { name, content, generation }: Report<readonly Instance[]>,
  { spans, sentAtMs }: { readonly spans: readonly StartSpan[]; readonly sentAtMs: number },
): DeploymentReport {
  if (content === undefined) {
    return { change: { case: "delete", value: { k8sName: name, generation: BigInt(generation) } } };
  }
  const instances = content.map((each) => ({
    k8sName: each.name,
    address: each.address,
    cpuMillicores: BigInt(each.cpuMillicores),
    memoryMib: BigInt(each.memoryMib),
    status: STATUS[each.status],
    reason: each.reason,
    message: each.message,
    ...(each.exitCode === undefined ? {} : { exitCode: each.exitCode }),
    restarts: each.restarts,
    lastLogLines: [...each.lastLogLines],
    ...(each.lastEnd === undefined ? {} : { lastEnd: encodeEnd(each.lastEnd) }),
  }));
  const trace = { spans: spans.map(encodeSpan), sentAt: BigInt(Math.round(sentAtMs)) };
  const value = { k8sName: name, instances, generation: BigInt(generation), ...trace };
  return { change: { case: "update", value } };
}

function encodeSpan({ startedAtMs, endedAtMs, ...span }: StartSpan) {
  return { ...span, startedAt: BigInt(Math.round(startedAtMs)), endedAt: BigInt(Math.round(endedAtMs)) };
}

function encodeEnd({ reason, message, exitCode, atMs }: InstanceEnd) {
  return { reason, message, exitCode, at: BigInt(atMs) };
}

/**
 * True when other instances run, have failed, or are in trouble than in the last report. The progress of pending instances
 * can wait.
 */
export function mustSendNow(content: readonly Instance[], sent: readonly Instance[] | undefined): boolean {
  return JSON.stringify(content.filter(isUrgent)) !== JSON.stringify((sent ?? []).filter(isUrgent));
}

/** Users wait for the reason why nothing happens. */
const TROUBLES: ReadonlySet<string> = new Set([
  "refused",
  "quota",
  "sandbox",
  "mount",
  "unschedulable",
  "sidecar",
]);

function isUrgent({ status, reason }: Instance): boolean {
  return status !== "pending" || TROUBLES.has(reason);
}
