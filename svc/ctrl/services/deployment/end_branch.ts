import { isFault } from "../../../../pkg/fault/mod.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import { listEnvironments, listOfBranch } from "../../internal/store/mod.ts";
import { key } from "../../internal/validate/mod.ts";
import { cancelDeployment } from "./cancel.ts";
import type { DeploymentDeps } from "./deps.ts";
import { stopDeployment } from "./stop.ts";

export interface EndBranchRequest {
  readonly projectId: string;
  readonly branch: string;
  /** Empty: all but production. */
  readonly environmentSlug: string;
}

/** The ids of deployments that ended. */
export interface EndedBranch {
  readonly stopped: readonly string[];
  readonly cancelled: readonly string[];
}

const BRANCH_CHARACTERS_MAX = 256;
const AT_ONCE_MAX = 100;

/**
 * Ends what was deployed from a branch that is gone: deploys that are under way, then what runs. Whatever production
 * serves goes on. Repeating it is harmless, and goes on where a call broke off.
 *
 * @throws `not_found` for project or environment, `permission_denied`
 */
export async function endBranch(
  deps: DeploymentDeps,
  caller: RootKeyPrincipal,
  request: EndBranchRequest,
  signal: AbortSignal,
): Promise<EndedBranch> {
  const project = await requireProject(deps, caller, { id: request.projectId, action: "stop_deployment" });
  const branch = key("branch", request.branch, BRANCH_CHARACTERS_MAX);
  const environments = request.environmentSlug === ""
    ? (await listEnvironments(deps.db.kysely, caller.workspaceId, project.id))
      .filter(({ slug }) => slug !== PRODUCTION_SLUG)
    : [await requireEnvironment(deps, project, request.environmentSlug)];
  const where = { environmentIds: environments.map(({ id }) => id), branch, limit: AT_ONCE_MAX };
  const cancelled = await each(
    await listOfBranch(deps.db.kysely, { ...where, running: false }),
    (id) => cancelDeployment(deps, caller, id, signal),
  );
  // Read after the cancels: one of those may have become ready before its cancel.
  const stopped = await each(
    await listOfBranch(deps.db.kysely, { ...where, running: true }),
    (deploymentId) =>
      stopDeployment(deps, caller, { deploymentId, confirmed: true, because: "branch_gone" }, signal),
  );
  return { stopped, cancelled };
}

/** Those that it was possible for: production serves the others, or they have ended by themselves. */
async function each(
  ids: readonly string[],
  end: (id: string) => Promise<unknown>,
): Promise<readonly string[]> {
  const ended: string[] = [];
  for (const id of ids) {
    try {
      await end(id);
      ended.push(id);
    } catch (error) {
      if (!isFault(error, "failed_precondition")) throw error;
    }
  }
  return ended;
}
