import {
  type ReportDeploymentStatusRequest,
  type ReportDeploymentStatusRequest_Update_Instance as Instance,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
  type ReportDeploymentStatusRequest_Update_TaskState as TaskMessage,
} from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { addressProblem } from "../../internal/agents/mod.ts";
import { encodeEnd, type ReportedInstance, type ReportedTask } from "../../internal/store/mod.ts";
import {
  cutToBytes,
  invalid,
  key,
  optionalText,
  version as wholeNumber,
} from "../../internal/validate/mod.ts";

/** A report whose every field holds what it may hold. */
export interface CheckedReport {
  readonly k8sName: string;
  readonly generation: number;
  readonly instances: readonly ReportedInstance[];
  readonly tasks: readonly ReportedTask[];
  readonly refused: readonly RefusedAddress[];
}

/** An instance that counts as refused, since edges must not connect to its address. */
export interface RefusedAddress {
  readonly k8sName: string;
  readonly address: string;
  readonly message: string;
}

const INSTANCES_MAX = 1_000;
const TASKS_MAX = 100;
const TASK_NAME_LENGTH_MAX = 32;
const NAME_LENGTH_MAX = 255;
const MESSAGE_BYTES_MAX = 4_096;
const LOG_LINES_MAX = 50;
const LOG_LINE_BYTES_MAX = 2_048;
const ADDRESS_SHOWN_MAX = 80;

/** The report, or `undefined` for an empty one. Addresses must lie in `networks`. */
export function checkReport(
  { change }: ReportDeploymentStatusRequest,
  networks: readonly string[],
): CheckedReport | undefined {
  switch (change.case) {
    case "update": {
      const { k8sName, generation, instances, tasks } = change.value;
      if (instances.length > INSTANCES_MAX) throw invalid("instances", `must be at most ${INSTANCES_MAX}`);
      if (tasks.length > TASKS_MAX) throw invalid("tasks", `must be at most ${TASKS_MAX}`);
      const refused = instances.flatMap((each) => checkAddress(each, networks) ?? []);
      const messages = new Map(refused.map((each) => [each.k8sName, each.message]));
      return {
        k8sName: key("k8s_name", k8sName, NAME_LENGTH_MAX),
        generation: wholeNumber("generation", generation),
        instances: instances.map((each) => withoutAddress(checkInstance(each), messages.get(each.k8sName))),
        tasks: tasks.flatMap((each) => checkTask(each) ?? []),
        refused,
      };
    }
    case "delete": {
      const { k8sName, generation } = change.value;
      return {
        k8sName: key("k8s_name", k8sName, NAME_LENGTH_MAX),
        generation: wholeNumber("generation", generation),
        instances: [],
        tasks: [],
        refused: [],
      };
    }
    default:
      return undefined;
  }
}

function checkAddress(
  { k8sName, address }: Instance,
  networks: readonly string[],
): RefusedAddress | undefined {
  const problem = address === "" ? undefined : addressProblem(address, networks);
  if (problem === undefined) return undefined;
  const shown = cutToBytes(address, ADDRESS_SHOWN_MAX);
  const message =
    `The address that the region's agent reports, ${JSON.stringify(shown)}, ${problem}, so that ` +
    "no request goes there. The region's operator gives the agent a token with the networks of its instances: " +
    '"unkey admin region-tokens create --networks".';
  return { k8sName, address: shown, message };
}

/** Waiting mends nothing, so that a deploy ends with the message; all else of the instance stays. */
function withoutAddress(instance: ReportedInstance, message: string | undefined): ReportedInstance {
  return message === undefined
    ? instance
    : { ...instance, address: "", status: "pending", reason: "refused", message };
}

const STATUS: Record<Status, ReportedInstance["status"]> = {
  [Status.UNSPECIFIED]: "inactive",
  [Status.PENDING]: "pending",
  [Status.RUNNING]: "running",
  [Status.FAILED]: "failed",
  // Only tasks end.
  [Status.ENDED]: "inactive",
};

/** `undefined` for a task without a state. */
function checkTask({ name, instance }: TaskMessage): ReportedTask | undefined {
  if (instance === undefined) return undefined;
  const { k8s_name, reason, message, exit_code, last_log_lines } = checkInstance(instance);
  return {
    name: key("tasks.name", name, TASK_NAME_LENGTH_MAX),
    instance: k8s_name,
    state: taskState(instance),
    reason,
    message,
    exit_code,
    last_log_lines,
  };
}

function taskState({ status, exitCode, reason }: Instance): ReportedTask["state"] {
  switch (status) {
    case Status.RUNNING:
      return "running";
    case Status.ENDED:
      return exitCode === 0 && reason === "" ? "succeeded" : "failed";
    case Status.FAILED:
      return "failed";
    default:
      return "wanted";
  }
}

function checkInstance(instance: Instance): ReportedInstance {
  const { address, reason, lastLogLines, lastEnd } = instance;
  return {
    k8s_name: key("instances.k8s_name", instance.k8sName, NAME_LENGTH_MAX),
    address,
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
