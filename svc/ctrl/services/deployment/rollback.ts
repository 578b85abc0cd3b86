import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import { type GatedEnvironment, rollbackRefusal } from "../../internal/deployments/gates.ts";
import { type DeploymentView, type EnvironmentsTable, findPreviousLive } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";
import { performSwitch, type Switched } from "./switch.ts";
import {
  environmentOf,
  gated,
  gatedEnvironment,
  hostnamesOf,
  refuse,
  requirePath,
  type SwitchPlan,
} from "./switch_plan.ts";

/** The two deployments of a rollback; those left empty are looked up. */
export interface RollbackRequest {
  /** Empty: the live deployment. */
  readonly sourceId: string;
  /** Empty: the deployment that was live before the source. */
  readonly targetId: string;
  /** Needed with `environmentSlug` when neither deployment is named. */
  readonly projectId: string;
  /** Empty: production. */
  readonly environmentSlug: string;
  /** True for a rollback on behalf of a cancel of the source. */
  readonly cancels?: boolean;
}

/**
 * Moves live traffic back, as `promote` moves it forward.
 *
 * @throws as `promote`
 */
export async function rollback(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: RollbackRequest,
  signal: AbortSignal,
): Promise<Switched> {
  // The two deployments are settled by the first plan: after the switch, the live one and the one before it are others.
  const look = (before: SwitchPlan | undefined): Promise<SwitchPlan> =>
    planRollback(deps, caller, before === undefined ? request : settled(request, before));
  return await performSwitch(deps, caller, look, signal);
}

function settled(request: RollbackRequest, { source, target }: SwitchPlan): RollbackRequest {
  return { ...request, sourceId: source?.id ?? "", targetId: target.id };
}

/** @throws `not_found`, `invalid_argument`, or the gate's refusal */
export async function planRollback(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: RollbackRequest,
): Promise<SwitchPlan> {
  const action = "rollback_deployment";
  const find = (id: string, field: string): Promise<DeploymentView> | undefined =>
    id === "" ? undefined : requireDeployment(deps, caller, { id, action, field });
  const named = await find(request.sourceId, "source_deployment_id");
  const wanted = await find(request.targetId, "target_deployment_id");
  const known = named ?? wanted;
  const row = known === undefined
    ? await namedEnvironment(deps, caller, request)
    : await environmentOf(deps, known);
  const environment = gatedEnvironment(row);
  const source = named ?? await find(requireLive(environment), "source_deployment_id");
  if (source === undefined) throw new Fault("internal", "the live deployment has no id");
  const target = wanted ??
    await find(await requirePrevious(deps, environment, source.id), "target_deployment_id");
  if (target === undefined) throw new Fault("internal", "the previous deployment has no id");
  refuse(rollbackRefusal(gated(source), gated(target), environment));
  const [path, hostnames] = [requirePath(target), await hostnamesOf(deps, environment)];
  return {
    environment,
    source,
    target,
    path,
    rolledBack: true,
    cancels: request.cancels === true,
    hostnames,
  };
}

async function namedEnvironment(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  { projectId, environmentSlug }: RollbackRequest,
): Promise<EnvironmentsTable> {
  if (projectId === "") {
    throw publicFault(
      "invalid_argument",
      "Say what to roll back: a deployment, or a project and its environment.",
    );
  }
  const project = await requireProject(deps, caller, { id: projectId, action: "rollback_deployment" });
  return await requireEnvironment(deps, project, environmentSlug === "" ? PRODUCTION_SLUG : environmentSlug);
}

function requireLive({ slug, liveDeploymentId }: GatedEnvironment): string {
  if (liveDeploymentId !== undefined) return liveDeploymentId;
  throw publicFault(
    "failed_precondition",
    `Environment "${slug}" has no live deployment, so there is nothing to roll back.`,
  );
}

async function requirePrevious(
  { db }: DeploymentDeps,
  { id, slug, liveDeploymentId }: GatedEnvironment,
  sourceId: string,
): Promise<string> {
  if (liveDeploymentId !== sourceId) {
    throw publicFault(
      "failed_precondition",
      `Deployment ${sourceId} is not the live one of "${slug}": that is ${liveDeploymentId ?? "none"}.`,
    );
  }
  const previous = await findPreviousLive(db.kysely, id, sourceId);
  if (previous !== undefined) return previous;
  throw publicFault(
    "failed_precondition",
    `Nothing was live in "${slug}" before ${sourceId}: name the deployment to roll back to. "unkey list" shows them.`,
  );
}
