import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import {
  type GatedDeployment,
  type GatedEnvironment,
  promoteProblem,
  rollbackProblem,
} from "../../internal/deployments/gates.ts";
import type { ShownDeployment } from "../../internal/store/api_deployments.ts";
import { findEnvironment } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/**
 * Moves live traffic of the target's environment to it; returns when it has moved.
 *
 * @throws `failed_precondition` with the reason when the target cannot take it
 */
export async function promote(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  targetId: string,
  signal: AbortSignal,
): Promise<void> {
  const target = await requireDeployment(deps, caller, {
    id: targetId,
    action: "promote_deployment",
    field: "target_deployment_id",
  });
  const environment = await requireGatedEnvironment(deps, target);
  refuse(promoteProblem(gated(target), environment));
  await deps.workflows.promote(environmentIdOf(target), deploymentIdOf(target), signal);
  deps.events.changed();
}

/**
 * Moves live traffic back from `sourceId`, which must be live, to `targetId`; returns when it has moved.
 *
 * @throws `failed_precondition` with the reason when that is not possible
 */
export async function rollback(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  { sourceId, targetId }: { readonly sourceId: string; readonly targetId: string },
  signal: AbortSignal,
): Promise<void> {
  const action = "rollback_deployment";
  const source = await requireDeployment(deps, caller, {
    id: sourceId,
    action,
    field: "source_deployment_id",
  });
  const target = await requireDeployment(deps, caller, {
    id: targetId,
    action,
    field: "target_deployment_id",
  });
  const environment = await requireGatedEnvironment(deps, source);
  refuse(rollbackProblem(gated(source), gated(target), environment));
  await deps.workflows.rollback(
    environmentIdOf(source),
    deploymentIdOf(source),
    deploymentIdOf(target),
    signal,
  );
  deps.events.changed();
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw publicFault("failed_precondition", problem);
}

async function requireGatedEnvironment(
  { db }: DeploymentDeps,
  { workspaceId, environmentId }: ShownDeployment,
): Promise<GatedEnvironment> {
  const environment = await findEnvironment(db.kysely, workspaceId, environmentId);
  if (environment === undefined) throw new Fault("internal", `environment ${environmentId} is missing`);
  return {
    id: environment.id,
    slug: environment.slug,
    liveDeploymentId: environment.live_deployment_id ?? undefined,
    rolledBack: environment.is_rolled_back === 1,
  };
}

function gated({ id, projectId, environmentId, status, runningInstances }: ShownDeployment): GatedDeployment {
  return { id, projectId, environmentId, status, runningInstances };
}

const deploymentIdOf = ({ id }: ShownDeployment) => parseId("deployment", "deployment_id", id);
const environmentIdOf = ({ environmentId }: ShownDeployment) =>
  parseId("environment", "environment_id", environmentId);
