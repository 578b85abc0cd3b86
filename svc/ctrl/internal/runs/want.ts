import { publicFault } from "../../../../pkg/fault/mod.ts";
import { newDnsName, newId } from "../../../../pkg/uid/mod.ts";
import { AGENT_HEARTBEAT_TIMEOUT_MS } from "../agents/mod.ts";
import { reserve } from "../limits/mod.ts";
import {
  announcePlacement,
  createRun,
  type DeploymentsTable,
  findRun,
  findRunByKey,
  listLiveRegions,
  listTasks,
  lockTopology,
  type RunCron,
  type StoredRun,
  type Tx,
} from "../store/mod.ts";

/** The facts of a run that is asked for. */
export interface RunOrder {
  readonly deployment: Pick<
    DeploymentsTable,
    "id" | "workspace_id" | "project_id" | "environment_id" | "status"
  >;
  readonly environmentSlug: string;
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
  /** `undefined`: the first of the deployment's that has an agent. */
  readonly region: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly cron?: RunCron;
  readonly createdBy: string;
  readonly nowMs: number;
}

/** A run, and the regions whose feeds have changed. */
export interface WantedRun {
  readonly run: StoredRun;
  readonly isNew: boolean;
  readonly regions: readonly string[];
}

const TASK_NAME_RANDOM = 16;
/** An agent reports at most so many tasks of a deployment. */
const OPEN_TASKS_MAX = 90;

/**
 * Wants a run, in the region's feed and in the table at once. A key that was used before returns the run of then.
 *
 * @throws `failed_precondition` where the deployment does not run, `rate_limited`, `not_found` for a region
 */
export async function wantRun(tx: Tx, order: RunOrder): Promise<WantedRun> {
  const { deployment, idempotencyKey, nowMs } = order;
  const { id: deploymentId, workspace_id: workspaceId } = deployment;
  await reserve(tx, [], { workspaceId, nowMs });
  const former = idempotencyKey === undefined
    ? undefined
    : await findRunByKey(tx, workspaceId, idempotencyKey);
  if (former !== undefined) return { run: former, isNew: false, regions: [] };
  await reserve(tx, ["runs"], { workspaceId, nowMs });
  const region = await chooseRegion(tx, order);
  const open = (await listTasks(tx, [deploymentId])).get(deploymentId) ?? [];
  if (open.length >= OPEN_TASKS_MAX) {
    throw publicFault(
      "rate_limited",
      `Deployment ${deploymentId} has ${open.length} commands that run at once, which is the limit: wait until some ` +
        "have ended.",
    );
  }
  const regions = await announcePlacement(tx, { deploymentId, regions: [region], nowMs });
  const runId = newId("run", nowMs);
  await createRun(tx, {
    run_id: runId,
    deployment_id: deploymentId,
    name: `run-${newDnsName(TASK_NAME_RANDOM)}`,
    workspace_id: workspaceId,
    project_id: deployment.project_id,
    environment_id: deployment.environment_id,
    environment_slug: order.environmentSlug,
    region,
    command: order.command,
    timeout_seconds: order.timeoutSeconds,
    idempotencyKey,
    cron: order.cron,
    created_by: order.createdBy,
    nowMs,
  });
  const run = await findRun(tx, workspaceId, runId);
  if (run === undefined) throw new RangeError(`run ${runId} is missing after it was made`);
  return { run, isNew: true, regions };
}

/** Placements stay locked until the transaction ends, so that no stop comes in between. */
async function chooseRegion(
  tx: Tx,
  { deployment: { id, status }, region, nowMs }: RunOrder,
): Promise<string> {
  const started = (await lockTopology(tx, id)).filter((row) => row.desired_status === "started");
  if (status !== "ready" || started.length === 0) {
    const advice = status === "stopped"
      ? `"unkey start ${id}" brings it back`
      : "only a ready one runs commands";
    throw publicFault("failed_precondition", `Deployment ${id} is ${status}: ${advice}.`);
  }
  const regions = started.map((row) => row.region);
  if (region !== undefined && !regions.includes(region)) {
    throw publicFault(
      "not_found",
      `Deployment ${id} does not run in "${region}": it runs in ${regions.join(", ")}.`,
    );
  }
  const live = await listLiveRegions(tx, nowMs - AGENT_HEARTBEAT_TIMEOUT_MS);
  return region ?? regions.find((each) => live.has(each)) ?? regions[0] ?? "";
}
