import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { platformAddresses } from "../../internal/domains/mod.ts";
import { listDomainViews } from "../../internal/store/mod.ts";
import type { DomainDeps } from "./deps.ts";
import { type ShownDomain, showStored } from "./show.ts";

export interface ListDomainsRequest {
  readonly projectId: string;
  /** Empty: of all environments. */
  readonly environmentSlug: string;
}

/** The domains of a project by name, with what their last checks found. There are never more than a workspace may have. */
export async function listDomains(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  { projectId, environmentSlug }: ListDomainsRequest,
  signal?: AbortSignal,
): Promise<readonly ShownDomain[]> {
  const project = await requireProject(deps, caller, { id: projectId, action: "read_domain" });
  const environment = environmentSlug === ""
    ? undefined
    : await requireEnvironment(deps, project, environmentSlug);
  const filter = { projectId: project.id, environmentId: environment?.id };
  const views = await deps.db.read((db) => listDomainViews(db, filter));
  const target = views[0]?.target;
  const addresses = deps.domains === undefined || target === undefined
    ? []
    : await platformAddresses(deps.domains, target, signal);
  return views.map((view) => showStored(view, addresses));
}
