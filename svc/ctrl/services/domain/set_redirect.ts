import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import { customHostname } from "../../internal/domains/mod.ts";
import {
  announceHostnames,
  type CustomDomainsTable,
  findCustomDomain,
  listRedirectsTo,
  lockCustomDomain,
  lockWorkspace,
  recordAudit,
  type Tx,
  updateCustomDomain,
} from "../../internal/store/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import { type DomainDeps, domainMissing } from "./deps.ts";
import { type DomainName, requireDomain } from "./find.ts";
import { type ShownDomain, showNow } from "./show.ts";

export interface RedirectRequest extends DomainName {
  /** Empty: requests are served. */
  readonly redirectTo: string;
}

/**
 * Sends requests to another domain of the project, or serves them again. It holds as soon as that domain is verified.
 *
 * @throws `not_found`, `failed_precondition` for a redirect that would lead on or in a circle
 */
export async function setRedirect(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: RedirectRequest,
  signal?: AbortSignal,
): Promise<ShownDomain> {
  const { project, row: { id } } = await requireDomain(deps, caller, request, "manage_domains");
  const redirectTo = request.redirectTo === "" ? "" : customHostname("redirect_to", request.redirectTo, []);
  const nowMs = deps.clock.now();
  const { workspaceId } = caller;
  const row = await transact(deps.db, async (tx) => {
    // Two domains that are redirected to each other at once would be a circle.
    await lockWorkspace(tx, workspaceId);
    const known = await lockCustomDomain(tx, id);
    if (known === undefined) throw domainMissing(request.domain, project.slug);
    const changed = { ...known, redirect_to: redirectTo, updated_at: nowMs };
    if (known.redirect_to === redirectTo) return known;
    if (redirectTo !== "") await checkRedirect(tx, changed, project.slug);
    await updateCustomDomain(tx, id, { redirect_to: redirectTo, updated_at: nowMs });
    await announceHostnames(tx, { workspaceId, hostnames: [known.hostname] }, nowMs);
    await recordAudit(tx, {
      workspaceId,
      actor: actorOf(caller),
      action: "domain.set",
      resource: { type: "domain", id },
      projectId: project.id,
      environmentId: known.environment_id,
      facts: { hostname: known.hostname, redirectTo },
      nowMs,
    });
    return changed;
  });
  deps.notifier.changed([EDGE_REGION]);
  return await showNow(deps, { project, row }, signal);
}

/** @throws `invalid_argument`, `not_found`, `failed_precondition` */
export async function checkRedirect(
  tx: Tx,
  { hostname, redirect_to: to, workspace_id: workspaceId, project_id: projectId }: CustomDomainsTable,
  project: string,
): Promise<void> {
  if (to === hostname) throw invalid("redirect_to", "must be another name than the domain itself", to);
  const target = await findCustomDomain(tx, { workspaceId, hostname: to });
  if (target === undefined || target.project_id !== projectId) throw domainMissing(to, project);
  if (target.redirect_to !== "") {
    throw publicFault(
      "failed_precondition",
      `"${to}" is redirected itself, to "${target.redirect_to}": redirect "${hostname}" there, or let "${to}" serve first.`,
    );
  }
  const [redirecting] = await listRedirectsTo(tx, { workspaceId, hostname });
  if (redirecting === undefined) return;
  throw publicFault(
    "failed_precondition",
    `"${redirecting}" is redirected to "${hostname}", which therefore has to serve: change "${redirecting}" first.`,
  );
}
