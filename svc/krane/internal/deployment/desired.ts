import { sha256Hex } from "../../../../pkg/hash/mod.ts";
import type { ApplyDeployment } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { variableNameProblem } from "../../../../pkg/variables/mod.ts";
import { decodeHealthCheck, type HealthCheck, healthCheckProblems } from "./health_check.ts";
import type { ResourceKind } from "../watch/watcher.ts";

/** The desired state of one deployment in this region. */
export interface DesiredDeployment {
  /** The name in the runtime; a DNS label. */
  readonly name: string;
  readonly namespace: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly deploymentId: string;
  readonly image: string;
  readonly replicas: number;
  /** 0: the agent's default; the same for the other limits. */
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  readonly pidsMax: number;
  readonly ephemeralStorageMib: number;
  /** Replaces the image's entry point and command; empty: the image decides. */
  readonly command: readonly string[];
  readonly port: number;
  readonly healthCheck: HealthCheck;
  /** Empty: the image's, else SIGTERM. */
  readonly stopSignal: string;
  /** 0: the agent's default. */
  readonly stopSeconds: number;
  /** True: a small init process is the app's parent. */
  readonly init: boolean;
  /** The user has asked for it. */
  readonly initAsked: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly buildId: string;
  readonly commit: DeployedCommit;
  /** Commands that run once each, beside the instances. */
  readonly tasks: readonly DesiredTask[];
  /** The control plane wants to know the CPU that its instances use. */
  readonly reportsUsage: boolean;
  /** Hash of the encrypted variables as they were delivered, in hexadecimal; empty without variables. */
  readonly blobSha256: string;
}

/** A command that runs once, in an instance of its own with the deployment's image, variables and size. */
export interface DesiredTask {
  /** Unique in its deployment. */
  readonly name: string;
  /** Replaces the image's entry point and command. */
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
  /** It was seen to run: without a trace of it, it is lost. */
  readonly isStarted: boolean;
}

/** The commit that a deployment was made from; empty where it is not known. */
export interface DeployedCommit {
  readonly sha: string;
  readonly branch: string;
  readonly authorHandle: string;
}

const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const TASK_NAME = /^[a-z][a-z0-9-]{0,30}$/;
const PORT_DEFAULT = 8080;

export const DEPLOYMENTS: ResourceKind<ApplyDeployment, DesiredDeployment> = {
  type: "deployment",
  decode: decodeApply,
  idOf: (resource) => resource.deploymentId,
};

/**
 * Decodes an `ApplyDeployment`.
 *
 * @throws `invalid_argument` when something is missing or cannot be run; the text names no values of variables
 */
export function decodeApply(apply: ApplyDeployment): DesiredDeployment {
  const port = apply.port === 0 ? PORT_DEFAULT : apply.port;
  const required = {
    "k8s_name": apply.k8sName,
    "workspace_id": apply.workspaceId,
    "project_id": apply.projectId,
    "environment_id": apply.environmentId,
    "deployment_id": apply.deploymentId,
    "image": apply.image,
  };
  const problems = Object.entries(required).filter(([, value]) => value === "").map(([key]) =>
    `${key} is empty`
  );
  if (apply.k8sName !== "" && !NAME.test(apply.k8sName)) {
    problems.push(`k8s_name "${apply.k8sName}" is no DNS label`);
  }
  if (apply.replicas < 0) problems.push("replicas is negative");
  if (port < 1 || port > 65_535) problems.push(`port ${port} is no port`);
  if (apply.cpuMillicores < 0n || apply.memoryMib < 0n || apply.pidsMax < 0) {
    problems.push("a limit is negative");
  }
  const healthCheck = decodeHealthCheck(apply);
  problems.push(...healthCheckProblems(healthCheck));
  if (!/^(?:SIG[A-Z0-9]{2,10})?$/.test(apply.stopSignal)) problems.push("stop_signal is no signal");
  if (apply.stopSeconds < 0) problems.push("stop_seconds is negative");
  for (const { name, command, timeoutSeconds } of apply.tasks) {
    if (!TASK_NAME.test(name)) problems.push(`the task "${name.slice(0, 80)}" is no DNS label`);
    if (command.length === 0) problems.push(`the task "${name}" has no command`);
    if (timeoutSeconds <= 0) problems.push(`the task "${name}" has no time`);
  }
  for (const [name, value] of Object.entries(apply.environmentVariables)) {
    const problem = variableNameProblem(name);
    if (problem !== undefined) problems.push(`the variable "${name.slice(0, 80)}" ${problem}`);
    if (value.includes("\0")) problems.push(`the value of "${name}" holds a NUL character`);
  }
  if (problems.length > 0) {
    throw new Fault(
      "invalid_argument",
      `cannot run deployment "${apply.deploymentId}": ${problems.join(", ")}`,
    );
  }
  return {
    name: apply.k8sName,
    namespace: apply.k8sNamespace,
    workspaceId: apply.workspaceId,
    projectId: apply.projectId,
    environmentId: apply.environmentId,
    deploymentId: apply.deploymentId,
    image: apply.image,
    replicas: apply.replicas,
    cpuMillicores: Number(apply.cpuMillicores),
    memoryMib: Number(apply.memoryMib),
    pidsMax: apply.pidsMax,
    ephemeralStorageMib: Number(apply.ephemeralStorageMib),
    command: apply.command,
    port,
    healthCheck,
    stopSignal: apply.stopSignal,
    stopSeconds: apply.stopSeconds,
    init: apply.init,
    initAsked: apply.initAsked,
    env: apply.environmentVariables,
    buildId: apply.buildId ?? "",
    commit: {
      sha: apply.gitCommitSha,
      branch: apply.gitBranch,
      authorHandle: apply.gitCommitAuthorHandle,
    },
    tasks: apply.tasks.map(({ name, command, timeoutSeconds, isStarted }) => ({
      name,
      command,
      timeoutSeconds,
      isStarted,
    })),
    reportsUsage: apply.reportsUsage,
    blobSha256: hashOf(apply.encryptedEnvironmentVariables),
  };
}

/** Empty for no bytes. */
function hashOf(blob: Uint8Array): string {
  return blob.length === 0 ? "" : sha256Hex(blob);
}
