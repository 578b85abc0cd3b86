/** One deployment in full. */
import {
  type Deployment,
  type DeploymentInstance,
  type DeploymentStep,
  HealthCheckSettings_Kind as HealthCheckKind,
  type InstanceEvent,
} from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type AppJson, appJson, appRows } from "../shared/app_view.ts";
import { clockTime } from "../shared/clock_time.ts";
import { type DeploymentJson, deploymentJson, statusText } from "../shared/deployment_view.ts";
import { age, facts, oneLine, printable, table } from "../shared/output.ts";
import { type GradualJson, gradualText } from "../shared/gradual_view.ts";
import { type ReceiptJson, receiptText } from "../shared/switch_receipt.ts";
import { type ScaledRegionJson, scaledRegionJson, scaledRegionText } from "../shared/scaling_view.ts";
import { sizeText } from "../shared/size_fields.ts";
import { eventJson, type InstanceEventJson } from "./events.ts";
import { type InstanceJson, instanceJson, troublesText } from "./instances.ts";

/** A step in the JSON of `status`. Times are milliseconds since the epoch. */
export interface StepJson {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly startedAt: number;
  /** Absent while the step runs. */
  readonly endedAt?: number;
  readonly error?: string;
}

/** The JSON of `status` for a deployment. */
export interface DeploymentStatusJson extends DeploymentJson {
  readonly instances: DeploymentJson["instances"] & { readonly list: readonly InstanceJson[] };
  /** Of each instance. */
  readonly size?: { readonly memoryMib: number; readonly cpuMillicores: number };
  /** The port that requests go to. */
  readonly port?: number;
  /** Settings by their names in `unkey.json`; what was not set is absent. */
  readonly app: AppJson;
  readonly image: string;
  readonly steps: readonly StepJson[];
  /** Regions whose number of instances follows the load; absent where there is none. */
  readonly scaledRegions?: readonly ScaledRegionJson[];
  /** The newest switch to it; absent when it never took its environment's traffic. */
  readonly lastSwitch?: ReceiptJson;
  /** The newest gradual switch to it, or the one that runs beside it. */
  readonly gradualSwitch?: GradualJson;
  /** Only with --events. */
  readonly events?: readonly InstanceEventJson[];
}

export function deploymentStatusJson(
  deployment: Deployment,
  instances: readonly DeploymentInstance[],
  { lastSwitch, gradual, events }: {
    readonly lastSwitch?: ReceiptJson | undefined;
    readonly gradual?: GradualJson | undefined;
    readonly events?: readonly InstanceEvent[] | undefined;
  } = {},
): DeploymentStatusJson {
  const shown = deploymentJson(deployment);
  return {
    ...shown,
    instances: { ...shown.instances, list: instances.map(instanceJson) },
    ...(deployment.topology === undefined ? {} : {
      size: {
        memoryMib: deployment.topology.memoryMib,
        cpuMillicores: deployment.topology.cpuMillicores,
      },
    }),
    ...(portOf(deployment) === 0 ? {} : { port: portOf(deployment) }),
    app: appJson({ settings: deployment.app }),
    image: deployment.rootfsImageId,
    steps: deployment.steps.map((step) => ({
      name: step.name,
      status: step.status,
      message: step.message,
      startedAt: Number(step.createdAt),
      ...(step.endedAt === 0n ? {} : { endedAt: Number(step.endedAt) }),
      ...(step.errorMessage === "" ? {} : { error: step.errorMessage }),
    })),
    ...(deployment.scaledRegions.length === 0
      ? {}
      : { scaledRegions: deployment.scaledRegions.map(scaledRegionJson) }),
    ...(lastSwitch === undefined ? {} : { lastSwitch }),
    ...(gradual === undefined ? {} : { gradualSwitch: gradual }),
    ...(events === undefined ? {} : { events: events.map(eventJson) }),
  };
}

/** The deployment with its steps, its failure, and the troubles of its instances. */
export function deploymentText(
  deployment: Deployment,
  instances: readonly DeploymentInstance[],
  { nowMs, lastSwitch, gradual }: {
    readonly nowMs: number;
    readonly lastSwitch?: ReceiptJson | undefined;
    readonly gradual?: GradualJson | undefined;
  },
): string {
  const { commit, ...shown } = deploymentJson(deployment);
  const about = facts({
    deployment: shown.id,
    status: shown.live ? `${statusText(deployment)}, live` : statusText(deployment),
    queue: oneLine(deployment.queueBlocker),
    project: shown.project,
    environment: shown.rolledBack === true
      ? `${shown.environment} (rolled back: new deployments wait for "unkey promote")`
      : shown.environment,
    "live now": shown.liveDeploymentId,
    branch: oneLine(shown.branch),
    commit: commit && oneLine(`${commit.sha.slice(0, 12)} ${commit.message}`),
    image: oneLine(deployment.rootfsImageId),
    "image of": shown.imageSourceDeploymentId &&
      `${shown.imageSourceDeploymentId} (same content, not built again)`,
    instances: `${shown.instances.running} of ${shown.instances.desired} running`,
    asleep: shown.asleep && asleepText(shown.asleep, nowMs),
    "scaled in": deployment.scaledRegions.map((each) => scaledRegionText(each, nowMs)),
    size: deployment.topology === undefined ? undefined : `${sizeText(deployment.topology)} each`,
    port: portOf(deployment) === 0 ? undefined : String(portOf(deployment)),
    settings: settingsTexts(deployment),
    created: `${age(shown.createdAt, nowMs)} ago`,
    "last switch": lastSwitch && lastSwitchText(lastSwitch, nowMs),
    gradual: gradual && gradualText(gradual),
    "runs until": shown.stopsAt === undefined
      ? undefined
      : `${clockTime(shown.stopsAt, nowMs)}: its traffic went, and requests under way have until then`,
    stopped: shown.stop &&
      `${age(shown.stop.at, nowMs)} ago: ${
        oneLine(shown.stop.message)
      } "unkey start ${shown.id}" starts it again.`,
    protected: shown.protected && 'by a password, or a link of "unkey share"',
    urls: shown.urls,
  });
  const { steps } = deployment;
  const stepsTable = steps.length === 0
    ? ""
    : `\n${table(["STEP", "STATUS", "TOOK", "MESSAGE"], steps.map((each) => stepRow(each, nowMs)))}`;
  const error = shown.error === undefined
    ? ""
    : `\nerror (${shown.error.code}): ${printable(shown.error.message).trim()}\n${outputText(shown.error)}`;
  return `${about}${stepsTable}${error}${troublesText(instances, { nowMs, deployment })}`;
}

function asleepText({ since, waking }: NonNullable<DeploymentJson["asleep"]>, nowMs: number): string {
  return waking
    ? "no longer: a request woke it, and its instances start"
    : `for ${age(since, nowMs)}, as it got no request: the next one wakes it`;
}

function lastSwitchText(receipt: ReceiptJson, nowMs: number): string {
  const line = receiptText(receipt) || "no edge was connected";
  return `${receipt.cause} ${age(receipt.committedAt, nowMs)} ago: ${line}`;
}

/** The port is a line of its own. */
function settingsTexts({ app: settings }: Deployment): readonly string[] {
  return appRows({ settings }).filter(([name]) => name !== "port").map(([name = "", value = ""]) =>
    `${name} ${value}`
  );
}

/** 0: it has none, or it is not known. */
function portOf({ topology, app }: Deployment): number {
  return app?.healthCheck?.kind === HealthCheckKind.NONE ? 0 : topology?.port ?? 0;
}

/** The last output, where the message does not end with all of it anyway. */
function outputText({ message, output }: NonNullable<DeploymentJson["error"]>): string {
  if (output === undefined || message.includes(output.lines.join("\n"))) return "";
  const lines = output.lines.map((line) => `  | ${printable(line)}\n`).join("");
  return `\nlast output of ${oneLine(output.origin) || `the ${output.source}`}:\n${lines}`;
}

function stepRow(step: DeploymentStep, nowMs: number): readonly string[] {
  const { name, status, message, createdAt, endedAt } = step;
  const tookMs = Math.max(0, (endedAt === 0n ? nowMs : Number(endedAt)) - Number(createdAt));
  return [name, status, `${(tookMs / 1000).toFixed(1)}s`, message];
}
