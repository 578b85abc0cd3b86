import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import { stopRefusal } from "../../internal/deployments/gates.ts";
import { isLiveIn, listServed } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

export interface StopRequest {
  readonly deploymentId: string;
  /** Also when names of a branch or an environment lead to it. */
  readonly confirmed: boolean;
  /** Its branch is gone; absent: the caller has other reasons. */
  readonly because?: "branch_gone";
}

/**
 * Ends the instances of a ready deployment. A deployment that serves more than its own host name is ended when that is confirmed,
 * and never while production serves it. A stopped deployment stays stopped.
 *
 * @throws `failed_precondition` that says what it serves, or why there is nothing to stop
 */
export async function stopDeployment(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  { deploymentId, confirmed, because }: StopRequest,
  signal: AbortSignal,
): Promise<void> {
  const { db, workflows, events } = deps;
  const deployment = await requireDeployment(deps, caller, { id: deploymentId, action: "stop_deployment" });
  const place = { deploymentId: deployment.id, workspaceId: deployment.workspaceId };
  const refusal = stopRefusal(deployment, {
    serves: await listServed(db.kysely, place),
    isProduction: await isLiveIn(db.kysely, PRODUCTION_SLUG, place),
    confirmed,
  });
  if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);
  if (deployment.status === "stopped") return;
  const environmentId = parseId("environment", "environment_id", deployment.environmentId);
  await workflows.stopByUser(environmentId, {
    deploymentId: deployment.id,
    confirmed,
    ...(because === undefined ? {} : { because }),
    actor: actorOf(caller),
  }, signal);
  events.changed();
}
