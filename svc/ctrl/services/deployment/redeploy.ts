import { Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { ownSettings } from "../../internal/deployments/app/own.ts";
import { redeployRefusal } from "../../internal/deployments/gates.ts";
import { type DeploymentsTable, findDeployment, lockDeployment, type Tx } from "../../internal/store/mod.ts";
import type { CheckedCreate, CreateRequest } from "./create_request.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

export interface Repeated {
  readonly row: DeploymentsTable;
  readonly image: string;
  readonly environmentSlug: string;
}

/**
 * The deployment that the request repeats, or `undefined` when it has a source of its own.
 *
 * @throws `not_found`; `invalid_argument` when the request also says what to deploy; `failed_precondition` when there is
 * no image
 */
export async function findRepeated(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: CreateRequest,
): Promise<Repeated | undefined> {
  if (request.redeployOf === "") return undefined;
  const given = otherFields(request);
  if (given !== undefined) {
    throw publicFault(
      "invalid_argument",
      `redeploy_of takes ${given} from the deployment that it names: leave one of the two out.`,
    );
  }
  const look = { id: request.redeployOf, action: "create_deployment", field: "redeploy_of" } as const;
  const { id, projectId, environmentSlug } = await requireDeployment(deps, caller, look);
  if (request.projectId !== "" && request.projectId !== projectId) {
    throw publicFault("invalid_argument", `Deployment ${id} belongs to another project: redeploy it there.`);
  }
  const row = await findDeployment(deps.db.kysely, id);
  if (row === undefined) throw new Fault("internal", "a deployment that was shown is not there");
  return { row, image: refuseWithoutImage(row), environmentSlug };
}

/**
 * Checks again in the transaction that creates the deployment: from then on the new deployment keeps the image.
 *
 * @throws `failed_precondition` when the image was removed since
 */
export async function refuseRemoved(tx: Tx, deploymentId: string): Promise<void> {
  const row = await lockDeployment(tx, deploymentId);
  if (row !== undefined) refuseWithoutImage(row);
}

function refuseWithoutImage(row: DeploymentsTable): string {
  const { id, git_commit_sha: gitCommitSha } = row;
  const image = row.image ?? "";
  const refusal = redeployRefusal({ id, image, imageRemoved: row.image_removed_at !== null, gitCommitSha });
  if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);
  return image;
}

function otherFields(
  { source, git, branch, command, port, healthCheckPath, startSeconds, protocol, app }: CreateRequest,
) {
  if (source !== undefined) return "the source";
  if (git !== undefined) return "git_commit";
  if (branch !== "") return "branch";
  if (command.length > 0) return "command";
  if (port !== 0) return "port";
  if (startSeconds !== 0) return "start_seconds";
  if (protocol !== "") return "protocol";
  if (app !== undefined) return "app";
  return healthCheckPath === "" ? undefined : "health_check_path";
}

/** The checked create that would make the same deployment. */
export function checkedAgain({ row, image }: Repeated, idempotencyKey: string | undefined): CheckedCreate {
  return {
    branch: row.git_branch,
    git: {
      commitSha: row.git_commit_sha,
      commitMessage: row.git_commit_message,
      authorHandle: row.git_commit_author_handle,
      authorAvatarUrl: row.git_commit_author_avatar_url,
      timestampMs: row.git_commit_timestamp,
    },
    source: {
      kind: "repeat",
      deploymentId: row.id,
      from: row.source,
      image,
      objectKey: row.build_context_path,
      dockerfilePath: row.dockerfile_path,
    },
    idempotencyKey,
    app: ownSettings(row),
    protocol: row.app_protocol ?? "",
    former: {
      size: { cpuMillicores: row.cpu_millicores, memoryMib: row.memory_mib, replicas: row.replicas },
      environmentId: row.environment_id,
      createdAtMs: row.created_at,
    },
  };
}
