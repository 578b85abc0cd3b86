import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import { newSealedKey } from "../../internal/protection/mod.ts";
import {
  announceEnvironments,
  listEnvironments,
  listProtections,
  lockProject,
  protectionOf,
  recordAudit,
  setProtectionKey,
} from "../../internal/store/mod.ts";
import type { ProtectionDeps } from "./protection_deps.ts";

export interface RevokeLinksRequest {
  readonly projectId: string;
  /** Empty: those of all passwords of the project. */
  readonly environmentSlug: string;
}

/**
 * Ends all links and cookies of a password, which stays, and returns the slugs of the environments that it holds for.
 *
 * @throws `not_found`, `permission_denied`; `failed_precondition` where nothing is protected
 */
export async function revokeShareLinks(
  { db, clock, vault, notifier }: ProtectionDeps,
  caller: RootKeyPrincipal,
  { projectId, environmentSlug }: RevokeLinksRequest,
): Promise<readonly string[]> {
  const project = await requireProject({ db }, caller, { id: projectId, action: "protect_environment" });
  const environment = environmentSlug === ""
    ? undefined
    : await requireEnvironment({ db }, project, environmentSlug);
  const nowMs = clock.now();
  const place = { workspaceId: project.workspace_id, projectId: project.id };
  const result = await transact(db, async (tx) => {
    await lockProject(tx, project.id);
    const rows = await listProtections(tx, place);
    const environments = await listEnvironments(tx, project.workspace_id, project.id);
    const own = environment && protectionOf(rows, environment);
    const renewed = environment === undefined ? rows.filter(({ mode }) => mode === "password") : own && [own];
    if (renewed === undefined || renewed.length === 0) {
      throw publicFault("failed_precondition", "Nothing is protected there: there are no links to revoke.");
    }
    for (const row of renewed) {
      await setProtectionKey(tx, row, { sealedKey: await newSealedKey(vault, row), nowMs });
    }
    const concerned = environments.filter((each) => {
      const row = protectionOf(rows, each);
      return row !== undefined && renewed.includes(row);
    });
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: "share_link.revoke",
      resource: { type: "project", id: project.id },
      projectId: project.id,
      facts: { environments: concerned.map(({ slug }) => slug) },
      nowMs,
    });
    const announced = await announceEnvironments(tx, concerned.map(({ id }) => id), nowMs);
    return { slugs: concerned.map(({ slug }) => slug), announced };
  });
  if (result.announced) notifier.changed([EDGE_REGION]);
  return result.slugs;
}
