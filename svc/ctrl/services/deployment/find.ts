import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { type ProjectAction, requireInProject } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import type { DeploymentView } from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";

/** @throws `not_found` also for another workspace's deployment, so that its existence stays unknown */
export async function requireDeployment(
  { reader }: Pick<DeploymentDeps, "reader">,
  caller: RootKeyPrincipal,
  { id, action, field = "deployment_id" }: {
    readonly id: string;
    readonly action: ProjectAction;
    readonly field?: string;
  },
): Promise<DeploymentView> {
  if (id === "") throw invalid(field, "is required");
  const known = parseId("deployment", field, id);
  const deployment = await reader.find(known, caller.workspaceId);
  if (deployment === undefined) {
    throw publicFault("not_found", `Deployment "${id}" was not found: "unkey list" shows yours.`);
  }
  requireInProject(caller, action, deployment.projectId);
  return deployment;
}
