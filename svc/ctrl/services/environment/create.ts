import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault, publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import {
  createEnvironment as recordEnvironment,
  type CtrlDatabase,
  recordAudit,
} from "../../internal/store/mod.ts";
import { invalid, optionalText, slug } from "../../internal/validate/mod.ts";

/** What the environment use cases work with. */
export interface EnvironmentDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
}

/** What a new environment is made of. */
export interface EnvironmentRequest {
  readonly projectId: string;
  readonly slug: string;
  readonly description: string;
  /** Whether the client asks for the kind of environment that is live. */
  readonly production: boolean;
}

/**
 * Makes an environment and returns its id. Which one is production is decided by its name, so a second one is refused.
 *
 * @throws `not_found`, `already_exists`, `invalid_argument`
 */
export async function createEnvironment(
  deps: EnvironmentDeps,
  caller: RootKeyPrincipal,
  request: EnvironmentRequest,
): Promise<string> {
  const project = await requireProject(deps, caller, { id: request.projectId, action: "create_environment" });
  const name = slug("slug", request.slug);
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
