import { publicFault } from "../../../../pkg/fault/mod.ts";
import type { ProjectAction } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import { customHostname, domainMissing } from "../../internal/domains/mod.ts";
import { type CustomDomainsTable, findCustomDomain, type ProjectsTable } from "../../internal/store/mod.ts";
import type { DomainDeps } from "./deps.ts";

export interface FoundDomain {
  readonly project: ProjectsTable;
  readonly row: CustomDomainsTable;
}

/** A domain as a caller names it. */
export interface DomainName {
  readonly workspaceId?: string;
  readonly projectId: string;
  readonly domain: string;
}

/** The domain that the caller means, if the caller may do `action` in its project. @throws `not_found`, `permission_denied` */
export async function requireDomain(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  { workspaceId = "", projectId, domain }: DomainName,
  action: ProjectAction,
): Promise<FoundDomain> {
  checkWorkspace(caller, workspaceId);
  const project = await requireProject(deps, caller, { id: projectId, action });
  // A name of the platform is no domain of the project, which the search says.
  const hostname = customHostname("domain", domain, []);
  const row = await findCustomDomain(deps.db.kysely, { workspaceId: caller.workspaceId, hostname });
  if (row === undefined || row.project_id !== project.id) throw domainMissing(hostname, project.slug);
  return { project, row };
}

/** @throws `not_found` for the id of another workspace */
export function checkWorkspace({ workspaceId: own }: RootKeyPrincipal, given: string): void {
  if (given === "" || given === own) return;
  throw publicFault(
    "not_found",
    `Workspace "${given.slice(0, 80)}" was not found: the key belongs to "${own}".`,
  );
}
