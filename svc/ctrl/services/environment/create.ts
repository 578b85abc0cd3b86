import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { type Fault, isFault, publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import {
  countEnvironments,
  createEnvironment as recordEnvironment,
  type CtrlDatabase,
  lockProject,
  recordAudit,
} from "../../internal/store/mod.ts";
import { reserve } from "../../internal/limits/mod.ts";
import { refuseTakenNames } from "../../internal/taken_names.ts";
import { environmentSlug, invalid, optionalText } from "../../internal/validate/mod.ts";

export interface EnvironmentDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly notifier: ChangeNotifier;
}

const ENVIRONMENTS_MAX = 50;

export interface EnvironmentRequest {
  readonly projectId: string;
  readonly slug: string;
  readonly description: string;
  /** True when the client asks for an environment of the type production. */
  readonly production: boolean;
}

/**
 * Creates an environment and returns its id. Production is decided by the name, so a second one is refused.
 *
 * @throws `not_found`, `already_exists`, `invalid_argument`, `failed_precondition` when its host name would be another one's
 */
export async function createEnvironment(
  deps: EnvironmentDeps,
  caller: RootKeyPrincipal,
  request: EnvironmentRequest,
): Promise<string> {
  const project = await requireProject(deps, caller, { id: request.projectId, action: "create_environment" });
  const name = environmentSlug("slug", request.slug);
  if (request.production && name !== PRODUCTION_SLUG) {
    throw invalid(
      "type",
      `can be production only for the slug "${PRODUCTION_SLUG}", which every project has`,
    );
  }
  const description = optionalText("description", request.description, 255);
  const nowMs = deps.clock.now();
  try {
    return await transact(deps.db, async (tx) => {
      const { workspaceId } = caller;
      // Names and the limit hold for concurrent calls together, so they take turns.
      await reserve(tx, ["environments"], { workspaceId, nowMs });
      await lockProject(tx, project.id);
      await refuseTakenNames(tx, {
        workspaceId,
        project: project.slug,
        environments: [name],
        isProject: false,
      });
      if (await countEnvironments(tx, project.id) >= ENVIRONMENTS_MAX) throw tooMany(project.slug);
      const id = await recordEnvironment(tx, {
        workspaceId,
        projectId: project.id,
        slug: name,
        description,
        nowMs,
      });
      await recordAudit(tx, {
        workspaceId,
        actor: actorOf(caller),
        action: "environment.create",
        resource: { type: "environment", id },
        projectId: project.id,
        environmentId: id,
        facts: { slug: name },
        nowMs,
      });
      return id;
    });
  } catch (error) {
    if (!isFault(error, "already_exists")) throw error;
    throw publicFault(
      "already_exists",
      `Project "${project.slug}" has an environment "${name}" already.`,
      error,
    );
  }
}

function tooMany(project: string): Fault {
  return publicFault(
    "failed_precondition",
    `Project "${project}" has ${ENVIRONMENTS_MAX} environments, which is the most: ` +
      'delete one that is not needed any more with "unkey environments delete".',
  );
}
