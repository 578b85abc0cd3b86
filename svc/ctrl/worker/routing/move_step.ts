/** Promote and rollback: names, pointer and flag move together. */
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { domainsOf, type Sticky } from "../../internal/deployments/domains.ts";
import { type GatedDeployment, promoteProblem, rollbackProblem } from "../../internal/deployments/gates.ts";
import {
  appendEvent,
  assignRoutes,
  type DeploymentsTable,
  type EnvironmentsTable,
  listRoutesOfEnvironment,
  swapLiveDeployment,
  type Tx,
} from "../../internal/store/mod.ts";
import {
  countRunningInstances,
  lockDeployment,
  lockEnvironment,
} from "../../internal/store/worker_routing.ts";
import { domainParts } from "./assign_step.ts";
import { inShownOrder } from "./plan.ts";
import type { Conflict, Pointer, RoutingDeps } from "./steps.ts";

/** Where traffic should go. */
export type MoveOrder =
  | { readonly kind: "promote"; readonly target: string }
  | { readonly kind: "rollback"; readonly source: string; readonly target: string };

export type MoveStep = Conflict | { readonly kind: "moved"; readonly hostnames: readonly string[] };

/** A move, and what the pointer was before. */
export interface Move {
  readonly environmentId: string;
  readonly order: MoveOrder;
  readonly before: Pointer;
  readonly nowMs: number;
}

/** The names that stand for the environment; a branch's name stays with its branch. */
const MOVED: readonly Sticky[] = ["environment", "live"];

/** @throws `not_found` or `failed_precondition`, both with a public text */
export async function moveInTransaction(tx: Tx, deps: RoutingDeps, move: Move): Promise<MoveStep> {
  const { environmentId, order, before, nowMs } = move;
  const environment = await lockEnvironment(tx, environmentId);
  if (environment === undefined) throw publicFault("not_found", `There is no environment ${environmentId}.`);
  const target = await requireDeployment(tx, order.target);
  const live = environment.live_deployment_id ?? undefined;
  const rolledBack = order.kind === "rollback";
  const seen = live === before.liveDeploymentId && (environment.is_rolled_back === 1) === before.rolledBack;
  if (!seen) {
    // An earlier run of this very step committed and was not recorded; or somebody else was here.
    const done = live === target.id && (environment.is_rolled_back === 1) === rolledBack;
    return done ? { kind: "moved", hostnames: await namesOf(tx, environmentId) } : { kind: "conflict" };
  }
  const problem = await problemOf(tx, environment, order, target);
  if (problem !== undefined) throw publicFault("failed_precondition", problem);

  const routes = await routesToMove(tx, deps, target);
  const { workspace_id: workspaceId, project_id: projectId } = target;
  const assigned = await assignRoutes(tx, {
    routes,
    deploymentId: target.id,
    environmentId,
    projectId,
    workspaceId,
    nowMs,
  });
  if (assigned.kind === "taken") {
    throw publicFault(
      "failed_precondition",
      `The host name ${assigned.hostnames[0]} belongs to another project.`,
    );
  }
  const swap = { environmentId, expected: live, next: target.id, rolledBack, nowMs };
  if (!await swapLiveDeployment(tx, swap)) throw new Fault("internal", "a locked pointer moved");
  const hostnames = inShownOrder(routes).map((route) => route.hostname);
  const message = `${rolledBack ? "Rolled back to" : "Promoted"}: it serves ${hostnames.join(", ")} now.`;
  await appendEvent(tx, target.id, "notice", { message }, nowMs);
  return { kind: "moved", hostnames };
}

async function requireDeployment(tx: Tx, id: string): Promise<DeploymentsTable> {
  const row = await lockDeployment(tx, id);
  if (row === undefined) throw publicFault("not_found", `There is no deployment ${id}.`);
  return row;
}

async function problemOf(
  tx: Tx,
  environment: EnvironmentsTable,
  order: MoveOrder,
  target: DeploymentsTable,
): Promise<string | undefined> {
  const gatedEnvironment = {
    id: environment.id,
    slug: environment.slug,
    liveDeploymentId: environment.live_deployment_id ?? undefined,
    rolledBack: environment.is_rolled_back === 1,
  };
  const gatedTarget = await gated(tx, target);
  if (order.kind === "promote") return promoteProblem(gatedTarget, gatedEnvironment);
  const source = await gated(tx, await requireDeployment(tx, order.source));
  return rollbackProblem(source, gatedTarget, gatedEnvironment);
}

async function gated(tx: Tx, row: DeploymentsTable): Promise<GatedDeployment> {
  return {
    id: row.id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    status: row.status,
    runningInstances: await countRunningInstances(tx, row.id),
  };
}

/** The names that the environment has had, and those that it should have. */
async function routesToMove(
  tx: Tx,
  deps: RoutingDeps,
  target: DeploymentsTable,
): Promise<readonly { readonly hostname: string; readonly sticky: Sticky }[]> {
  const routes = new Map<string, { hostname: string; sticky: Sticky }>();
  for (const { hostname, sticky } of await listRoutesOfEnvironment(tx, target.environment_id, MOVED)) {
    routes.set(hostname, { hostname, sticky });
  }
  for (const { hostname, sticky } of domainsOf(await domainParts(tx, deps, target))) {
    if (MOVED.includes(sticky)) routes.set(hostname, { hostname, sticky });
  }
  return [...routes.values()];
}

async function namesOf(tx: Tx, environmentId: string): Promise<readonly string[]> {
  return inShownOrder(await listRoutesOfEnvironment(tx, environmentId, MOVED)).map((route) => route.hostname);
}
