/** What a promote or rollback would do now: who is meant, whether it is allowed, and how long the way is. */
import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import {
  type GatedDeployment,
  type GatedEnvironment,
  goneRefusal,
  isConfirmation,
  promoteRefusal,
  type Refusal,
  rollbackRefusal,
  type SwitchPath,
  switchPath,
} from "../../internal/deployments/gates.ts";
import {
  type DeploymentView,
  type EnvironmentsTable,
  findEnvironment,
  findPreviousLive,
  listRoutesOfEnvironment,
} from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/** Who is to be rolled back to whom; what is empty is found. */
export interface RollbackRequest {
  /** Empty: the live one. */
  readonly sourceId: string;
  /** Empty: the one that was live before. */
  readonly targetId: string;
  /** Which environment, when neither of them is named. */
  readonly projectId: string;
  /** Empty: production. */
  readonly environmentSlug: string;
  /** Whether it is what a cancel of the source has become. */
  readonly cancels?: boolean;
}

/** A switch that is allowed. */
export interface SwitchPlan {
  readonly environment: GatedEnvironment;
  /** The live one that a rollback leaves; `undefined` for a promote. */
  readonly source: DeploymentView | undefined;
  readonly target: DeploymentView;
  readonly path: SwitchPath;
  /** Whether the environment is rolled back afterwards. */
  readonly rolledBack: boolean;
  readonly cancels: boolean;
  /** What moves. */
  readonly hostnames: readonly string[];
}

/** @throws `not_found`, or the gate's refusal */
export async function planPromote(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  targetId: string,
): Promise<SwitchPlan> {
  const target = await requireDeployment(deps, caller, {
    id: targetId,
    action: "promote_deployment",
    field: "target_deployment_id",
  });
  const environment = gatedEnvironment(await environmentOf(deps, target));
  refuse(promoteRefusal(gated(target), environment));
  const path = isConfirmation(target, environment) ? "instant" : requirePath(target);
  const hostnames = await namesOf(deps, environment);
  return { environment, source: undefined, target, path, rolledBack: false, cancels: false, hostnames };
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
  const [path, hostnames] = [requirePath(target), await namesOf(deps, environment)];
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

function requirePath(target: DeploymentView): SwitchPath {
  const path = switchPath(gated(target));
  if (typeof path === "string") return path;
  throw publicFault(path.code, path.message);
}

function refuse(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);
}

async function environmentOf(
  { db }: DeploymentDeps,
  { workspaceId, environmentId }: DeploymentView,
): Promise<EnvironmentsTable> {
  const environment = await findEnvironment(db.kysely, workspaceId, environmentId);
  if (environment !== undefined) return environment;
  const { code, message } = goneRefusal();
  throw publicFault(code, message);
}

function gatedEnvironment(row: EnvironmentsTable): GatedEnvironment {
  return {
    id: row.id,
    slug: row.slug,
    liveDeploymentId: row.live_deployment_id ?? undefined,
    rolledBack: row.is_rolled_back === 1,
  };
}

async function namesOf({ db }: DeploymentDeps, { id }: GatedEnvironment): Promise<readonly string[]> {
  const routes = await listRoutesOfEnvironment(db.kysely, id, ["live", "environment"]);
  // The shortest name, which stands for production, is the one that people use.
  return routes.toSorted((a, b) => (a.sticky === "live" ? 0 : 1) - (b.sticky === "live" ? 0 : 1))
    .map(({ hostname }) => hostname);
}

/** What gates see of a deployment. */
export function gated(
  { id, projectId, environmentId, status, runningInstances, imageRemoved, gitCommitSha }: DeploymentView,
): GatedDeployment {
  return { id, projectId, environmentId, status, runningInstances, imageRemoved, gitCommitSha };
}
