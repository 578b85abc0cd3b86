import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { isConfirmation, promoteRefusal } from "../../internal/deployments/gates.ts";
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

/**
 * Moves live traffic of the target's environment to it; returns when it has moved. A target that does not run is started
 * first, which can take minutes; a deploy or another switch can happen meanwhile.
 *
 * @throws the gate's refusal, `failed_precondition` when the target does not come to run
 */
export async function promote(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  targetId: string,
  signal: AbortSignal,
): Promise<Switched> {
  return await performSwitch(deps, caller, () => planPromote(deps, caller, targetId), signal);
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
  const hostnames = await hostnamesOf(deps, environment);
  return { environment, source: undefined, target, path, rolledBack: false, cancels: false, hostnames };
}
