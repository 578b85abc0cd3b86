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
  ended: Status.ENDED,
};

export function deploymentReport(
  { name, content, generation }: Report<readonly Instance[]>,
  { spans, sentAtMs }: { readonly spans: readonly StartSpan[]; readonly sentAtMs: number },
): DeploymentReport {
  if (content === undefined) {
    return { change: { case: "delete", value: { k8sName: name, generation: BigInt(generation) } } };
  }
  const instances = content.filter(({ task }) => task === undefined).map(encodeInstance);
  const tasks = content.flatMap((each) =>
    each.task === undefined ? [] : [{ name: each.task, instance: encodeInstance(each) }]
  );
  const trace = { spans: spans.map(encodeSpan), sentAt: BigInt(Math.round(sentAtMs)) };
  const value = { k8sName: name, instances, tasks, generation: BigInt(generation), ...trace };
  return { change: { case: "update", value } };
}

function encodeInstance(instance: Instance) {
  const { name, exitCode, lastEnd } = instance;
  return {
    k8sName: name,
    address: instance.address,
    cpuMillicores: BigInt(instance.cpuMillicores),
    memoryMib: BigInt(instance.memoryMib),
    status: STATUS[instance.status],
    reason: instance.reason,
    message: instance.message,
    ...(exitCode === undefined ? {} : { exitCode }),
    restarts: instance.restarts,
    lastLogLines: [...instance.lastLogLines],
    ...(lastEnd === undefined ? {} : { lastEnd: encodeEnd(lastEnd) }),
  };
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
