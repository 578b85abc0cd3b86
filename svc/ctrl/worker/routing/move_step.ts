/** Promote and rollback: names, pointer and flag move together. */
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { holdCrons } from "../../internal/crons/mod.ts";
import { domainsOf, type Sticky } from "../../internal/deployments/domains.ts";
import {
  type GatedDeployment,
  isConfirmation,
  promoteRefusal,
  type Refusal,
  rollbackRefusal,
  servingRefusal,
} from "../../internal/deployments/gates.ts";
import { endGradualOf } from "../../internal/gradual/mod.ts";
import {
  appendEvent,
  assignRoutes,
  carryScale,
  clearCancel,
  countRunningInstances,
  type DeploymentsTable,
  type EnvironmentsTable,
  findRunningGradual,
  listRoutesOfEnvironment,
  LIVE_STICKIES,
  lockDeployment,
  lockEnvironment,
  lockTopology,
  markCancelled,
  recordAudit,
  recordSwitch,
  swapLiveDeployment,
  type Tx,
} from "../../internal/store/mod.ts";
import { domainParts, switchOf } from "./assign_step.ts";
import { inShownOrder } from "./plan.ts";
import type { MoveOrder, MoveResult, Pointer, RoutingDeps } from "./types.ts";

/** A move, and the pointer that its caller read. */
export interface Move {
  readonly environmentId: string;
  readonly order: MoveOrder;
  readonly before: Pointer;
  readonly nowMs: number;
}

/** @throws `not_found`, or the gate's refusal, both with a public text */
export async function moveInTransaction(tx: Tx, deps: RoutingDeps, move: Move): Promise<MoveResult> {
  const { environmentId, order, before, nowMs } = move;
  const environment = await lockEnvironment(tx, environmentId);
  if (environment === undefined) throw publicFault("not_found", `There is no environment ${environmentId}.`);
  const target = await requireDeployment(tx, order.targetDeploymentId);
  const live = environment.live_deployment_id ?? undefined;
  const rolledBack = order.kind === "rollback";
  const isUnchanged = live === before.liveDeploymentId &&
    (environment.is_rolled_back === 1) === before.rolledBack;
  if (!isUnchanged) {
    // An earlier run of this very step committed and was not recorded; or another writer moved the pointer.
    const done = live === target.id && (environment.is_rolled_back === 1) === rolledBack;
    return done ? { kind: "moved", hostnames: await namesOf(tx, environmentId) } : { kind: "conflict" };
  }
  const refusal = await refusalOf(tx, environment, order, target) ??
    await gradualRefusal(tx, environmentId, order);
  if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);

  // A report takes this lock before that of the edges' region, which the routes need.
  await lockTopology(tx, target.id);
  // A target that is live already keeps its names: accepting a rollback moves nothing.
  const hostnames = live === target.id
    ? await namesOf(tx, environmentId)
    : await moveRoutes(tx, deps, { environmentId, target, nowMs });
  const swap = { environmentId, expected: live, next: target.id, rolledBack, nowMs };
  if (!await swapLiveDeployment(tx, swap)) throw new Fault("internal", "a locked pointer moved");
  await holdCrons(tx, environment, target, nowMs);
  if (order.kind === "rollback" && order.cancels) {
    await markCancelled(tx, { id: order.sourceDeploymentId, nowMs });
  }
  await clearCancel(tx, target.id);
  await recordAudit(tx, {
    workspaceId: target.workspace_id,
    actor: order.actor,
    action: order.kind === "promote" ? "deployment.promote" : "deployment.rollback",
    resource: { type: "deployment", id: target.id },
    projectId: target.project_id,
    environmentId,
    facts: { from: live ?? "", hostnames },
    nowMs,
  });
  await appendEvent(tx, target.id, "notice", { message: noticeOf(order, live, hostnames) }, nowMs);
  if (live !== target.id) {
    if (live !== undefined) await carryScale(tx, { fromId: live, to: target, nowMs });
    const isStep = order.kind === "promote" && order.gradualSwitchId !== undefined;
    const { actor } = order;
    const move = { actor, nowMs, edgesSinceMs: nowMs - deps.edgeTimeoutMs, targetId: target.id, isStep };
    const gradualId = await endGradualOf(tx, environmentId, move);
    await recordSwitch(tx, switchOf(deps, { environment, target, cause: order.kind, gradualId }));
  }
  return { kind: "moved", hostnames };
}

function noticeOf(order: MoveOrder, live: string | undefined, hostnames: readonly string[]): string {
  if (live === order.targetDeploymentId) {
    return "The rollback to it was accepted: new deployments go live again.";
  }
  const verb = order.kind === "rollback" ? "Rolled back to" : "Promoted";
  return `${verb}: it serves ${hostnames.join(", ")} now.`;
}

/** The last step of a gradual switch that was ended meanwhile would undo that end. */
async function gradualRefusal(tx: Tx, environmentId: string, order: MoveOrder): Promise<Refusal | undefined> {
  const id = order.kind === "promote" ? order.gradualSwitchId : undefined;
  if (id === undefined || (await findRunningGradual(tx, environmentId))?.id === id) return undefined;
  return { code: "failed_precondition", message: "The gradual switch has ended." };
}

interface Target {
  readonly environmentId: string;
  readonly target: DeploymentsTable;
  readonly nowMs: number;
}

async function moveRoutes(
  tx: Tx,
  deps: RoutingDeps,
  { environmentId, target, nowMs }: Target,
): Promise<readonly string[]> {
  const routes = await routesToMove(tx, deps, target);
  const { workspace_id: workspaceId, project_id: projectId, id: deploymentId } = target;
  const owner = { deploymentId, environmentId, projectId, workspaceId };
  const assigned = await assignRoutes(tx, { ...owner, routes, nowMs });
  if (assigned.kind === "assigned") return inShownOrder(routes).map((route) => route.hostname);
  const text = `The host name ${assigned.hostnames[0]} belongs to another project.`;
  throw publicFault("failed_precondition", text);
}

async function requireDeployment(tx: Tx, id: string): Promise<DeploymentsTable> {
  const row = await lockDeployment(tx, id);
  if (row === undefined) throw publicFault("not_found", `There is no deployment ${id}.`);
  return row;
}

async function refusalOf(
  tx: Tx,
  environment: EnvironmentsTable,
  order: MoveOrder,
  target: DeploymentsTable,
): Promise<Refusal | undefined> {
  const gatedEnvironment = {
    id: environment.id,
    slug: environment.slug,
    liveDeploymentId: environment.live_deployment_id ?? undefined,
    rolledBack: environment.is_rolled_back === 1,
  };
  const gatedTarget = await gated(tx, target);
  if (order.kind === "promote") {
    const refusal = promoteRefusal(gatedTarget, gatedEnvironment);
    if (refusal !== undefined || isConfirmation(gatedTarget, gatedEnvironment)) return refusal;
  } else {
    const source = await gated(tx, await requireDeployment(tx, order.sourceDeploymentId));
    const refusal = rollbackRefusal(source, gatedTarget, gatedEnvironment);
    if (refusal !== undefined) return refusal;
  }
  return servingRefusal(gatedTarget);
}

async function gated(tx: Tx, row: DeploymentsTable): Promise<GatedDeployment> {
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

/** The names that the environment has had, and those that it should have. */
async function routesToMove(
  tx: Tx,
  deps: RoutingDeps,
  target: DeploymentsTable,
): Promise<readonly { readonly hostname: string; readonly sticky: Sticky }[]> {
  const routes = new Map<string, { hostname: string; sticky: Sticky }>();
  for (
    const { hostname, sticky } of await listRoutesOfEnvironment(tx, target.environment_id, LIVE_STICKIES)
  ) {
    routes.set(hostname, { hostname, sticky });
  }
  for (const { hostname, sticky } of domainsOf(await domainParts(tx, deps, target))) {
    if (LIVE_STICKIES.includes(sticky)) routes.set(hostname, { hostname, sticky });
  }
  return [...routes.values()];
}

async function namesOf(tx: Tx, environmentId: string): Promise<readonly string[]> {
  return inShownOrder(await listRoutesOfEnvironment(tx, environmentId, LIVE_STICKIES)).map((route) =>
    route.hostname
  );
}
