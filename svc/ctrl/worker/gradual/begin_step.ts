/** The first step of a gradual switch: its row, and the routes with the share, in one transaction. */
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { promoteRefusal, type Refusal, servingRefusal } from "../../internal/deployments/gates.ts";
import {
  announceLiveRoutes,
  appendEvent,
  countRunningInstances,
  type DeploymentsTable,
  type EnvironmentsTable,
  findGradualSwitch,
  findRunningGradual,
  type GradualSwitchesTable,
  insertGradualSwitch,
  listRoutesOfEnvironment,
  LIVE_STICKIES,
  lockDeployment,
  lockEnvironment,
  noteStops,
  recordAudit,
  type Tx,
} from "../../internal/store/mod.ts";
import type { GradualOrder } from "../../internal/workflows/messages.ts";
import { recordShare } from "./share.ts";
import type { GradualDeps } from "./types.ts";

interface Beginning {
  readonly id: string;
  readonly order: GradualOrder;
  readonly nowMs: number;
}

/** @throws `not_found`, or a refusal, both with a public text */
export async function beginInTransaction(
  tx: Tx,
  deps: GradualDeps,
  { id, order, nowMs }: Beginning,
): Promise<void> {
  const { environmentId, targetDeploymentId, actor } = order;
  const environment = await lockEnvironment(tx, environmentId);
  if (environment === undefined) throw publicFault("not_found", `There is no environment ${environmentId}.`);
  const target = await lockDeployment(tx, targetDeploymentId);
  if (target === undefined) throw publicFault("not_found", `There is no deployment ${targetDeploymentId}.`);
  // An earlier run of this very step committed and was not recorded.
  if (await findGradualSwitch(tx, id) !== undefined) return;
  const refusal = await refusalOf(tx, environment, target);
  if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);

  const row = rowOf({ id, order, nowMs }, environment, target);
  await insertGradualSwitch(tx, row);
  await noteStops(tx, { keep: target.id, stops: [] });
  const message = startText(row, order);
  for (const deploymentId of [row.deployment_id, row.former_deployment_id]) {
    await appendEvent(tx, deploymentId, "notice", { message }, nowMs);
  }
  await recordAudit(tx, {
    workspaceId: row.workspace_id,
    actor,
    action: "gradual_switch.start",
    resource: { type: "deployment", id: target.id },
    projectId: row.project_id,
    environmentId,
    facts: {
      gradualSwitchId: id,
      former: row.former_deployment_id,
      steps: order.steps.map(String),
      sticky: order.sticky,
      ...(order.everyMs === undefined ? {} : { everyMs: order.everyMs }),
    },
    nowMs,
  });
  await announceLiveRoutes(tx, environmentId, nowMs);
  await recordShare(tx, deps, row, nowMs);
}

async function refusalOf(
  tx: Tx,
  environment: EnvironmentsTable,
  target: DeploymentsTable,
): Promise<Refusal | undefined> {
  const { id: environmentId, slug, live_deployment_id: live } = environment;
  const no = (message: string): Refusal => ({ code: "failed_precondition", message });
  const next = await gated(tx, target);
  const refusal = promoteRefusal(next, {
    id: environmentId,
    slug,
    liveDeploymentId: live ?? undefined,
    rolledBack: false,
  }) ?? servingRefusal(next);
  if (refusal !== undefined || live === null) return refusal;
  const running = await findRunningGradual(tx, environmentId);
  if (running !== undefined) {
    return no(
      `A gradual switch to ${running.deployment_id} runs in "${slug}" already: ` +
        `"unkey promote ${running.deployment_id} --abort" ends it.`,
    );
  }
  if ((await listRoutesOfEnvironment(tx, environmentId, LIVE_STICKIES)).length === 0) {
    return no(`No host name leads to "${slug}", so there are no requests to share: promote it at once.`);
  }
  if (await countRunningInstances(tx, live) > 0) return undefined;
  return no(
    `No instance of the live deployment ${live} runs, so there is nothing to compare with: promote it at once.`,
  );
}

async function gated(tx: Tx, row: DeploymentsTable) {
  return {
    id: row.id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    status: row.status,
    runningInstances: await countRunningInstances(tx, row.id),
    imageRemoved: row.image_removed_at !== null,
    gitCommitSha: row.git_commit_sha,
  };
}

function rowOf(
  { id, order, nowMs }: Beginning,
  environment: EnvironmentsTable,
  target: DeploymentsTable,
): GradualSwitchesTable {
  return {
    id,
    workspace_id: target.workspace_id,
    project_id: target.project_id,
    environment_id: environment.id,
    environment_slug: environment.slug,
    deployment_id: target.id,
    former_deployment_id: environment.live_deployment_id ?? "",
    running_in: environment.id,
    steps: JSON.stringify(order.steps),
    every_ms: order.everyMs ?? null,
    is_sticky: order.sticky ? 1 : 0,
    step: 0,
    step_started_at: nowMs,
    looks: 0,
    requests_seen: 0,
    looks_without_instance: 0,
    looked_at: nowMs,
    evidence: null,
    state: "running",
    reason: null,
    actor: JSON.stringify(order.actor),
    created_at: nowMs,
    ended_at: null,
  };
}

function startText(row: GradualSwitchesTable, { steps, everyMs }: GradualOrder): string {
  const shares = [...steps, 100].map((percent) => `${percent} %`).join(", ");
  const pace = everyMs === undefined ? "each by hand" : `each after ${Math.round(everyMs / 1_000)} s`;
  return `A gradual switch from ${row.former_deployment_id} to ${row.deployment_id} has begun: ${shares} of the requests, ${pace}.`;
}
