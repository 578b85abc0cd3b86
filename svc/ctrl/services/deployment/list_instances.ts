import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { type InstancesTable, listInstances } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/**
 * The instances of a deployment in all regions, as their agents reported them last.
 *
 * @throws `not_found`, `permission_denied`
 */
export async function listDeploymentInstances(
  deps: Pick<DeploymentDeps, "db" | "reader">,
  caller: RootKeyPrincipal,
  deploymentId: string,
): Promise<readonly InstancesTable[]> {
  const { id } = await requireDeployment(deps, caller, { id: deploymentId, action: "read_deployment" });
  return await listInstances(deps.db.kysely, id);
}
