import { transact } from "../../../../pkg/db/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import { customHostname, domainMissing, redirectWithin } from "../../internal/domains/mod.ts";
import { lockCustomDomain, lockWorkspace } from "../../internal/store/mod.ts";
import type { DomainDeps } from "./deps.ts";
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
    return await redirectWithin(tx, caller, { known, redirectTo, project: project.slug, nowMs });
  });
  deps.notifier.changed([EDGE_REGION]);
  return await showNow(deps, { project, row }, signal);
}
