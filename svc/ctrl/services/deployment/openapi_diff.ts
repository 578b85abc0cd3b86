import { publicFault } from "../../../../pkg/fault/mod.ts";
import { compareDocuments, type Comparison, type Node, readDocument } from "../../../../pkg/openapi/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { findOpenApi } from "../../internal/store/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/** Two deployments: the former one, and the one that clients meet now. */
export interface OpenApiDiffRequest {
  readonly oldDeploymentId: string;
  readonly newDeploymentId: string;
}

type DiffDeps = Pick<DeploymentDeps, "db" | "reader">;

/**
 * Compares the OpenAPI documents that two deployments served when they became ready.
 *
 * @throws `not_found` for a deployment, or for a document with the reason why there is none; `permission_denied`;
 *   `failed_precondition` if they are too large to compare
 */
export async function getOpenApiDiff(
  deps: DiffDeps,
  caller: RootKeyPrincipal,
  { oldDeploymentId, newDeploymentId }: OpenApiDiffRequest,
): Promise<Comparison> {
  const former = await documentOf(deps, caller, { id: oldDeploymentId, field: "old_deployment_id" });
  const current = await documentOf(deps, caller, { id: newDeploymentId, field: "new_deployment_id" });
  const compared = compareDocuments(former, current);
  if (compared.kind === "compared") return compared.comparison;
  throw publicFault(
    "failed_precondition",
    `The OpenAPI documents of deployments ${oldDeploymentId} and ${newDeploymentId} are ${compared.problem}.`,
  );
}

async function documentOf(
  deps: DiffDeps,
  caller: RootKeyPrincipal,
  { id, field }: { readonly id: string; readonly field: string },
): Promise<Node> {
  const deployment = await requireDeployment(deps, caller, { id, field, action: "read_deployment" });
  const found = await findOpenApi(deps.db.kysely, {
    deploymentId: deployment.id,
    workspaceId: caller.workspaceId,
  });
  if (found?.body === undefined) {
    const { openapiPath } = deployment.app;
    throw publicFault("not_found", missing(deployment.id, openapiPath, found?.problem));
  }
  const read = await readDocument(found.body);
  if (read.kind === "document") return read.document;
  // It was read when it was stored: another version of the platform took what this one does not.
  throw publicFault("not_found", `The OpenAPI document of deployment ${deployment.id} ${read.problem}.`);
}

function missing(id: string, path: string | undefined, problem: string | undefined): string {
  const start = `Deployment ${id} has no OpenAPI document`;
  if (problem !== undefined) return `${start}: ${problem} Deploy again once the app serves it.`;
  if (path !== undefined) {
    return `${start} yet: it is read from "${path}" soon after the deployment has become ready. Try again then.`;
  }
  return `${start}: it does not say where one is. Set "openapiPath" in unkey.json, e.g. to "/openapi.json", or ` +
    "--openapi-path, and deploy again.";
}
