/** Giving a deployment its names, the environment's traffic and the status ready, all at once or not at all. */
import { Fault } from "../../../../pkg/fault/mod.ts";
import { type DomainParts, domainsOf } from "../../internal/deployments/domains.ts";
import { spanText } from "../../internal/deployments/stop_note.ts";
import { endGradualOf } from "../../internal/gradual/mod.ts";
import { holdCrons } from "../../internal/crons/mod.ts";
import { urlOf } from "../../internal/deployments/urls.ts";
import {
  appendEvent,
  assignRoutes,
  type DeploymentsTable,
  endStep,
  type EnvironmentsTable,
  findDeployment,
  findSlugs,
  listRouteHolders,
  listRoutesOfDeployment,
  listVerifiedHostnames,
  lockDeployment,
  lockEnvironment,
  moveStatus,
  type NewSwitch,
  recordSwitch,
  type RouteHolder,
  swapLiveDeployment,
  type SwitchCause,
  type Tx,
} from "../../internal/store/mod.ts";
import { beginInSteps, takeTrafficOrder } from "./deploy_in_steps.ts";
import { type Contender, inShownOrder, planRoutes } from "./plan.ts";
import type { AssignResult, Pointer, RoutingDeps } from "./types.ts";

/** A deployment that asks for its environment's traffic, and the pointer that its caller read. */
export interface AssignOrder {
  readonly environmentId: string;
  readonly deploymentId: string;
  readonly before: Pointer;
  readonly nowMs: number;
}

/** Locks environment, then deployment, then routes: every transaction that moves traffic does it in this order. */
export async function assignInTransaction(
  tx: Tx,
  deps: RoutingDeps,
  order: AssignOrder,
): Promise<AssignResult> {
  const { environmentId, deploymentId, before } = order;
  const environment = await lockEnvironment(tx, environmentId);
  const deployment = await lockDeployment(tx, deploymentId);
  if (deployment === undefined) return { kind: "ended", status: "missing" };
  if (environment === undefined || deployment.environment_id !== environmentId) {
    throw new Fault("internal", `${deploymentId} is not a deployment of environment ${environmentId}`);
  }
  const live = environment.live_deployment_id ?? undefined;
  // An earlier run of this very step committed and was not recorded.
  if (deployment.status === "ready") return await assignedBefore(tx, deployment, live);
  if (deployment.status !== "network") return { kind: "ended", status: deployment.status };
  if (deployment.cancel_requested_at !== null) return { kind: "cancelled" };
  const rolledBack = environment.is_rolled_back === 1;
  if (live !== before.liveDeploymentId || rolledBack !== before.rolledBack) return { kind: "conflict" };
  return await assignNames(tx, deps, { order, deployment, environment, live, rolledBack });
}

async function assignedBefore(
  tx: Tx,
  { id }: DeploymentsTable,
  live: string | undefined,
): Promise<AssignResult> {
  const routes = inShownOrder(await listRoutesOfDeployment(tx, id));
  return { kind: "ready", hostnames: routes.map((route) => route.hostname), live: live === id };
}

interface Naming {
  readonly order: AssignOrder;
  readonly deployment: DeploymentsTable;
  readonly environment: EnvironmentsTable;
  readonly live: string | undefined;
  readonly rolledBack: boolean;
}

async function assignNames(tx: Tx, deps: RoutingDeps, naming: Naming): Promise<AssignResult> {
  const { order: { environmentId, deploymentId, nowMs }, deployment, environment, live, rolledBack } = naming;
  const domains = [
    ...domainsOf(await domainParts(tx, deps, deployment)),
    ...(await listVerifiedHostnames(tx, environmentId)).map((hostname) => ({
      hostname,
      sticky: "custom" as const,
    })),
  ];
  const holders = await listRouteHolders(tx, domains.map((each) => each.hostname));
  const traffic = await takeTrafficOrder(tx, deploymentId, environment);
  const plan = planRoutes({
    contender: contender(deployment),
    inSteps: traffic.kind === "in_steps",
    rolledBack,
    liveSequence: live === undefined ? undefined : (await findDeployment(tx, live))?.sequence,
    domains,
    holders: new Map(holders.map((each) => [each.hostname, holderOf(each)])),
  });
  const { workspace_id: workspaceId, project_id: projectId } = deployment;
  const { routes } = plan;
  const assigned = await assignRoutes(tx, {
    routes,
    deploymentId,
    environmentId,
    projectId,
    workspaceId,
    nowMs,
  });
  if (assigned.kind === "taken") return { kind: "host_taken", hostname: assigned.hostnames[0] ?? "" };
  if (plan.live) {
    const swap = { environmentId, expected: live, next: deploymentId, rolledBack: false, nowMs };
    if (!await swapLiveDeployment(tx, swap)) throw new Fault("internal", "a locked pointer moved");
  }
  const crons = plan.live ? await holdCrons(tx, environment, deployment, nowMs) : [];
  const hostnames = inShownOrder(routes).map((route) => route.hostname);
  const message = plan.live && live !== undefined ? drainText(live, deps.graceMs) : "";
  await endStep(tx, { deploymentId, name: "network", status: "done", message, nowMs });
  const notices = [
    plan.notice ?? traffic.notice,
    crons.length === 0 ? undefined : cronsText(crons),
  ];
  for (const message of notices) {
    if (message !== undefined) await appendEvent(tx, deploymentId, "notice", { message }, nowMs);
  }
  const urls = hostnames.map((hostname) => urlOf(deps.edgeUrl, hostname));
  await moveStatus(tx, { id: deploymentId, from: ["network"], to: "ready", nowMs, urls });
  if (plan.live) {
    await endGradualOf(tx, environmentId, {
      targetId: deploymentId,
      isStep: false,
      actor: { kind: "system", name: "deploy" },
      nowMs,
      edgesSinceMs: nowMs - deps.edgeTimeoutMs,
    });
    await recordSwitch(tx, switchOf(deps, { environment, target: deployment, cause: "deploy" }));
  }
  if (plan.inSteps && traffic.kind === "in_steps") {
    await beginInSteps(tx, deps, { order: traffic.order, environment, target: deployment, nowMs });
  }
  return { kind: "ready", hostnames, live: plan.live };
}

/** A switch to `target`, for its receipt, at the end of the transaction that moves the traffic. */
export function switchOf(
  { clock, edgeTimeoutMs }: RoutingDeps,
  { environment, target, cause, gradualId }: {
    readonly environment: EnvironmentsTable;
    readonly target: DeploymentsTable;
    readonly cause: SwitchCause;
    /** The gradual switch whose last step it is. */
    readonly gradualId?: string | undefined;
  },
): NewSwitch {
  const nowMs = clock.now();
  return {
    workspaceId: target.workspace_id,
    projectId: target.project_id,
    environmentId: environment.id,
    environmentSlug: environment.slug,
    deploymentId: target.id,
    previousDeploymentId: environment.live_deployment_id ?? undefined,
    cause,
    gradual: gradualId === undefined ? undefined : { id: gradualId },
    nowMs,
    edgesSinceMs: nowMs - edgeTimeoutMs,
  };
}

function drainText(predecessorId: string, graceMs: number): string {
  return `Requests under way on ${predecessorId} have ${spanText(Math.ceil(graceMs / 1_000))} to end.`;
}

function cronsText(names: readonly string[]): string {
  return `Its crons hold from now on: ${names.join(", ")}. "unkey list crons" shows when they run next.`;
}

/** The parts of the deployment's names. */
export async function domainParts(
  tx: Tx,
  { apex }: RoutingDeps,
  row: DeploymentsTable,
): Promise<DomainParts> {
  const slugs = await findSlugs(tx, row.id);
  if (slugs === undefined) {
    throw new Fault("internal", `project, environment or workspace of ${row.id} is missing`);
  }
  return {
    ...slugs,
    apex,
    deploymentId: row.id,
    commitSha: row.git_commit_sha,
    branch: row.git_branch,
  };
}

function contender(row: DeploymentsTable): Contender {
  return {
    id: row.id,
    sequence: row.sequence,
  };
}

function holderOf(row: RouteHolder): Contender {
  return {
    id: row.deployment_id,
    sequence: row.sequence,
  };
}
