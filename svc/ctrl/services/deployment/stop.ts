import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { stopRefusal } from "../../internal/deployments/gates.ts";
import { listServed } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/**
 * Ends the instances of a ready deployment that serves nothing but its own host name. A stopped deployment stays stopped.
 *
 * @throws `failed_precondition` that says what it serves, or why there is nothing to stop
 */
export async function stopDeployment(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  deploymentId: string,
  signal: AbortSignal,
): Promise<void> {
  const { db, workflows, events } = deps;
  const deployment = await requireDeployment(deps, caller, { id: deploymentId, action: "stop_deployment" });
  const refusal = stopRefusal(deployment, await listServed(db.kysely, deployment.id));
  if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);
  if (deployment.status === "stopped") return;
  const environmentId = parseId("environment", "environment_id", deployment.environmentId);
  await workflows.stopByUser(environmentId, { deploymentId: deployment.id, actor: actorOf(caller) }, signal);
  events.changed();
}
