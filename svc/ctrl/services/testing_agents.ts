/** Deployments, reports and streams as a region's agent and an edge have them, for tests of the api. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { transact } from "../../../pkg/db/mod.ts";
import {
  ClusterService,
  type DeploymentState,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
  type ReportDeploymentStatusRequestSchema,
  type SentinelState,
} from "../../../proto/gen/ctrl/v1/cluster_pb.ts";
import type { RouteState } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { assignRoutes, findDeployment } from "../internal/store/mod.ts";
import { clock, deployImage, move, next, place, type Tenant, type TestApi } from "./testing.ts";

export const REGION = "local.dev";

/** A new deployment in its region, in the state in which the worker waits for its instances. */
export async function placeNew(
  api: TestApi,
  tenant: Tenant,
): Promise<{ readonly id: string; readonly k8sName: string }> {
  const id = await deployImage(api, tenant);
  await move(api, id, "deploying");
  await place(api, tenant, id, REGION);
  return { id, k8sName: await nameOf(api, id) };
}

/** A new deployment that runs in `regions`, as agents report it. */
export async function runNew(
  api: TestApi,
  tenant: Tenant,
  options: { readonly environment?: string; readonly regions?: readonly string[] } = {},
): Promise<string> {
  const { environment = "production", regions = [REGION] } = options;
  const id = await deployImage(api, tenant, environment);
  await move(api, id, "deploying");
  const k8sName = await nameOf(api, id);
  for (const [n, region] of regions.entries()) {
    await place(api, tenant, id, region);
    const agent = api.client(ClusterService, await api.regionToken(region));
    await agent.reportDeploymentStatus(instanceReport(k8sName, 1n, Status.RUNNING, `10.0.${n}.1:80`));
  }
  return id;
}

async function nameOf(api: TestApi, id: string): Promise<string> {
  return (await findDeployment(api.db.kysely, id))?.k8s_name ?? "";
}

export async function environmentOf(api: TestApi, deploymentId: string): Promise<string> {
  return (await findDeployment(api.db.kysely, deploymentId))?.environment_id ?? "";
}

/** A report of one instance. */
export function instanceReport(
  k8sName: string,
  generation: bigint,
  status: Status,
  address = "127.0.0.1:32768",
): MessageInitShape<typeof ReportDeploymentStatusRequestSchema> {
  const instance = {
    k8sName: `${k8sName}-0`,
    address,
    status,
    cpuMillicores: 256n,
    memoryMib: 256n,
    reason: status === Status.FAILED ? "crash_loop" : "",
    lastLogLines: ["boom"],
  };
  return { change: { case: "update", value: { k8sName, generation, instances: [instance] } } };
}

/** Routes a host name to the deployment, as the worker would. */
export async function route(
  api: TestApi,
  tenant: Tenant,
  hostname: string,
  deploymentId: string,
): Promise<void> {
  const environmentId = await environmentOf(api, deploymentId);
  const outcome = await transact(api.db, (tx) =>
    assignRoutes(tx, {
      // Only such a name moves between environments.
      routes: [{ hostname, sticky: "none" }],
      deploymentId,
      environmentId,
      projectId: tenant.projectId,
      workspaceId: tenant.workspaceId,
      nowMs: clock.now(),
    }));
  assert.equal(outcome.kind, "assigned");
}

/** The next message that is not a heartbeat. */
export async function nextState<T extends DeploymentState | SentinelState | RouteState>(
  stream: AsyncIterator<T>,
): Promise<T> {
  for (;;) {
    const message = await next(stream);
    if (message.state.case !== "heartbeat") return message;
  }
}

/** The messages before the end of the snapshot that a stream of routes begins with. */
export async function snapshotOf(stream: AsyncIterator<RouteState>): Promise<RouteState[]> {
  const messages: RouteState[] = [];
  for (;;) {
    const message = await nextState(stream);
    if (message.state.case === "snapshotEnd") return messages;
    messages.push(message);
  }
}

/** The parts of a message that tests compare. */
export function summaryOf({ state }: RouteState | SentinelState): unknown {
  switch (state.case) {
    case "applyRoute":
      return [state.case, state.value.hostname, state.value.deploymentId];
    case "applyEndpoints":
      return [
        state.case,
        state.value.deploymentId,
        state.value.endpoints.map(({ address }) => address).sort(),
      ];
    case "snapshotEnd":
      return [state.case, state.value.resources];
    case "applyDownRegion":
    case "deleteDownRegion":
      return [state.case, state.value.region];
    default:
      return [state.case];
  }
}
