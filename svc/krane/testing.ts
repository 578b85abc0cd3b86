/** Messages of a control plane, and waits, for tests of the agent. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import {
  type ApplyDeploymentSchema,
  type DeploymentStateSchema,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { BASE_IMAGE } from "../../pkg/testkit/base_image.ts";

export { Status };
const LIMIT_MS = 180_000;

export type State = MessageInitShape<typeof DeploymentStateSchema>;
export type Apply = MessageInitShape<typeof ApplyDeploymentSchema>;

/** Waits for a condition; the deadline is generous because machines are slow. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + LIMIT_MS;
  while (true) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    assert.ok(performance.now() < deadline, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function snapshotEnd(version: number, resources: number): State {
  return { version: BigInt(version), state: { case: "snapshotEnd", value: { resources } } };
}

export function heartbeat(version: number): State {
  return { version: BigInt(version), state: { case: "heartbeat", value: {} } };
}

export function remove(name: string, version: number): State {
  return {
    version: BigInt(version),
    state: { case: "delete", value: { k8sNamespace: "ns", k8sName: name } },
  };
}

/** A deployment of one small web server, unless `changes` says otherwise. */
export function apply(name: string, version: number, changes: Apply = {}): State {
  const value: Apply = {
    k8sNamespace: "ns",
    k8sName: name,
    workspaceId: "ws_1",
    projectId: "proj_1",
    environmentId: "env_1",
    deploymentId: `d_${name}`,
    image: BASE_IMAGE,
    replicas: 1,
    cpuMillicores: 250n,
    memoryMib: 64n,
    pidsMax: 50,
    port: 3000,
    command: shell(WEB_SERVER),
    ...changes,
  };
  return { version: BigInt(version), state: { case: "apply", value } };
}

export const WEB_SERVER =
  'echo started; mkdir -p /tmp/www; echo "hello $NAME" >/tmp/www/index.html; httpd -f -p "$PORT" -h /tmp/www & wait';

export function shell(script: string): string[] {
  return ["sh", "-c", `trap 'echo terminated; exit 0' TERM; ${script}`];
}
