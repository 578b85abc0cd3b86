import type { ApplySentinel } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import type { ResourceKind } from "../watch/watcher.ts";

/** The desired state of the proxy of one environment in this region. */
export interface DesiredSentinel {
  /** The name of its objects in the runtime; a DNS label. */
  readonly name: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly sentinelId: string;
  readonly image: string;
  readonly replicas: number;
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  /** Its credential. */
  readonly token: Secret;
}

const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const SENTINELS: ResourceKind<ApplySentinel, DesiredSentinel> = {
  type: "sentinel",
  decode: decodeSentinel,
  idOf: (resource) => resource.sentinelId,
};

/**
 * Decodes an `ApplySentinel`.
 *
 * @throws `invalid_argument` when something is missing or cannot be run; the text does not hold the token
 */
export function decodeSentinel(apply: ApplySentinel): DesiredSentinel {
  const { k8sName: name, workspaceId, projectId, environmentId, sentinelId, image, replicas, token } = apply;
  const required = {
    k8s_name: name,
    workspace_id: workspaceId,
    project_id: projectId,
    environment_id: environmentId,
    sentinel_id: sentinelId,
    image,
    token,
  };
  const problems = Object.entries(required).filter(([, value]) => value === "").map(([key]) =>
    `${key} is empty`
  );
  if (name !== "" && !NAME.test(name)) problems.push(`k8s_name "${name}" is no DNS label`);
  if (replicas < 0) problems.push("replicas is negative");
  if (apply.cpuMillicores <= 0n || apply.memoryMib <= 0n) problems.push("a limit is not positive");
  if (problems.length > 0) {
    throw new Fault("invalid_argument", `cannot run sentinel "${sentinelId}": ${problems.join(", ")}`);
  }
  return {
    name,
    workspaceId,
    projectId,
    environmentId,
    sentinelId,
    image,
    replicas,
    cpuMillicores: Number(apply.cpuMillicores),
    memoryMib: Number(apply.memoryMib),
    token: new Secret(token),
  };
}
