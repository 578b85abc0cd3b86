import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import {
  addDomainWithin,
  customHostname,
  newCustomDomain,
  refuseElsewhere,
  requireDomains,
} from "../../internal/domains/mod.ts";
import {
  type CustomDomainsTable,
  type EnvironmentsTable,
  findCustomDomain,
  listEnvironments,
  lockEnvironment,
  lockWorkspace,
  type ProjectsTable,
} from "../../internal/store/mod.ts";
import { type DomainDeps, tell } from "./deps.ts";
import { checkWorkspace } from "./find.ts";
import { type ShownDomain, showNow } from "./show.ts";

export interface AddDomainRequest {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly environmentSlug: string;
  readonly domain: string;
  readonly redirectTo: string;
}

export interface AddedDomain extends ShownDomain {
  /** False: it was there. */
  readonly created: boolean;
}

/**
 * Adds a name to an environment and begins to look for its records. Returns it with what the DNS says already.
 *
 * @throws `invalid_argument`, `not_found`; `failed_precondition` for a name of the platform, or when there are too many;
 * `already_exists` when the workspace has it elsewhere
 */
export async function addDomain(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: AddDomainRequest,
  signal?: AbortSignal,
): Promise<AddedDomain> {
  checkWorkspace(caller, request.workspaceId);
  const project = await requireProject(deps, caller, { id: request.projectId, action: "manage_domains" });
  const environment = await environmentOf(deps, project, request);
  const { platform } = requireDomains(deps.domains);
  const hostname = customHostname("domain", request.domain, platform.ownDomains);
  const redirectTo = request.redirectTo === ""
    ? ""
    : customHostname("redirect_to", request.redirectTo, platform.ownDomains);
  const nowMs = deps.clock.now();
  const wanted = newCustomDomain({
    workspace_id: caller.workspaceId,
    project_id: project.id,
    environment_id: environment.id,
    hostname,
    redirect_to: redirectTo,
  }, { target: platform.target, nowMs });
  const row = await record(deps, caller, { wanted, project, environment });
  const created = row.id === wanted.id;
  if (created) await tell(deps, () => deps.workflows.verifyDomain(row.id, signal));
  return { ...await showNow(deps, { project, row }, signal), created };
}

async function record(
  { db, domainsMax }: DomainDeps,
  caller: RootKeyPrincipal,
  { wanted, project, environment }: {
    readonly wanted: CustomDomainsTable;
    readonly project: ProjectsTable;
    readonly environment: EnvironmentsTable;
  },
): Promise<CustomDomainsTable> {
  return await transact(db, async (tx) => {
    // Names and the limit hold for concurrent calls together, so they take turns.
    await lockWorkspace(tx, caller.workspaceId);
    if (await lockEnvironment(tx, environment.id) === undefined) {
      throw publicFault("not_found", `Environment "${environment.slug}" was deleted meanwhile.`);
    }
    const { workspaceId } = caller;
    const known = await findCustomDomain(tx, { workspaceId, hostname: wanted.hostname });
    if (known !== undefined) return sameDomain(known, wanted, environment.slug);
    await addDomainWithin(tx, caller, { wanted, project: project.slug, domainsMax });
    return wanted;
  });
}

/** Adding the same again is no error. */
function sameDomain(known: CustomDomainsTable, wanted: CustomDomainsTable, slug: string): CustomDomainsTable {
  const { hostname, redirect_to: redirectTo } = wanted;
  refuseElsewhere(known, { id: wanted.environment_id, slug });
  if (redirectTo === "" || known.redirect_to === redirectTo) return known;
  throw publicFault(
    "already_exists",
    `"${hostname}" is there already, with other settings: "unkey domains set ${hostname} --redirect-to ${redirectTo}" changes them.`,
  );
}

async function environmentOf(
  deps: DomainDeps,
  project: ProjectsTable,
  { environmentId, environmentSlug }: Pick<AddDomainRequest, "environmentId" | "environmentSlug">,
): Promise<EnvironmentsTable> {
  if (environmentId === "") return await requireEnvironment(deps, project, environmentSlug);
  const all = await listEnvironments(deps.db.kysely, project.workspace_id, project.id);
  const slug = all.find(({ id }) => id === environmentId)?.slug;
  if (slug !== undefined) return await requireEnvironment(deps, project, slug);
  const text = `Environment "${environmentId.slice(0, 80)}" was not found in project "${project.slug}".`;
  throw publicFault("not_found", text);
}
