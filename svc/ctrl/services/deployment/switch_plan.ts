/** The plan of a promote or rollback, and the lookups that both plans share. */
import { publicFault } from "../../../../pkg/fault/mod.ts";
import {
  type GatedDeployment,
  type GatedEnvironment,
  goneRefusal,
  type Refusal,
  type SwitchPath,
  switchPath,
} from "../../internal/deployments/gates.ts";
import {
  type DeploymentView,
  type EnvironmentsTable,
  findEnvironment,
  type FrontlineRoutesTable,
  listRoutesOfEnvironment,
} from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";

/** A switch that is allowed. */
export interface SwitchPlan {
  readonly environment: GatedEnvironment;
  /** The live deployment that a rollback leaves; `undefined` for a promote. */
  readonly source: DeploymentView | undefined;
  readonly target: DeploymentView;
  readonly path: SwitchPath;
  /** True when the environment is rolled back afterwards. */
  readonly rolledBack: boolean;
  readonly cancels: boolean;
  /** The names that move. */
  readonly hostnames: readonly string[];
}

/** A plan to be shown. */
export interface ShownPlan extends SwitchPlan {
  /** The live deployment; `undefined` when there is none. */
  readonly from: DeploymentView | undefined;
}

/** The plan with the deployment that loses its traffic, which a promote does not need. */
export async function shownPlan({ reader }: DeploymentDeps, plan: SwitchPlan): Promise<ShownPlan> {
  const { liveDeploymentId } = plan.environment;
  if (plan.source !== undefined || liveDeploymentId === undefined) return { ...plan, from: plan.source };
  return { ...plan, from: await reader.find(liveDeploymentId, plan.target.workspaceId) };
}

export function requirePath(target: DeploymentView): SwitchPath {
  const path = switchPath(gated(target));
  if (typeof path === "string") return path;
  throw publicFault(path.code, path.message);
}

export function refuse(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);
}

export async function environmentOf(
  { db }: DeploymentDeps,
  { workspaceId, environmentId }: DeploymentView,
): Promise<EnvironmentsTable> {
  const environment = await findEnvironment(db.kysely, workspaceId, environmentId);
  if (environment !== undefined) return environment;
  const { code, message } = goneRefusal();
  throw publicFault(code, message);
}

export function gatedEnvironment(row: EnvironmentsTable): GatedEnvironment {
  return {
    id: row.id,
    slug: row.slug,
    liveDeploymentId: row.live_deployment_id ?? undefined,
    rolledBack: row.is_rolled_back === 1,
  };
}

/** A user's own name first, then the shortest of production: those that people use. */
const SHOWN: readonly FrontlineRoutesTable["sticky"][] = ["custom", "live", "environment"];

export async function hostnamesOf(
  { db }: DeploymentDeps,
  { id }: GatedEnvironment,
): Promise<readonly string[]> {
  const routes = await listRoutesOfEnvironment(db.kysely, id, SHOWN);
  return routes.toSorted((a, b) => SHOWN.indexOf(a.sticky) - SHOWN.indexOf(b.sticky))
    .map(({ hostname }) => hostname);
}

export function gated(
  { id, projectId, environmentId, status, runningInstances, imageRemoved, gitCommitSha }: DeploymentView,
): GatedDeployment {
  return { id, projectId, environmentId, status, runningInstances, imageRemoved, gitCommitSha };
}
