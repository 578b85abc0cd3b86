import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { EDGE_REGION } from "../../internal/changes/mod.ts";
import {
  deleteCustomDomain,
  endDomain,
  listRedirectsTo,
  lockCustomDomain,
  lockEnvironment,
  recordAudit,
} from "../../internal/store/mod.ts";
import { domainMissing } from "../../internal/domains/mod.ts";
import { type DomainDeps, tell } from "./deps.ts";
import { type DomainName, requireDomain } from "./find.ts";

/**
 * Removes a domain with its route, its certificate and what is being ordered. The name stays remembered: another workspace
 * has to prove it by a TXT record.
 *
 * @throws `not_found`, `failed_precondition` while another domain is redirected to it
 */
export async function removeDomain(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: DomainName,
  signal?: AbortSignal,
): Promise<void> {
  const { project, row } = await requireDomain(deps, caller, request, "manage_domains");
  const { id, hostname, environment_id: environmentId } = row;
  const { workspaceId } = caller;
  const nowMs = deps.clock.now();
  const hadCertificate = await transact(deps.db, async (tx) => {
    await lockEnvironment(tx, environmentId);
    const known = await lockCustomDomain(tx, id);
    if (known === undefined) throw domainMissing(hostname, project.slug);
    const [redirecting] = await listRedirectsTo(tx, { workspaceId, hostname });
    if (redirecting !== undefined) {
      throw publicFault(
        "failed_precondition",
        `"${redirecting}" is redirected to "${hostname}": remove "${redirecting}" first, or let it serve with ` +
          `"unkey domains set ${redirecting} --serve".`,
      );
    }
    const had = await endDomain(tx, known, nowMs);
    await deleteCustomDomain(tx, id);
    await recordAudit(tx, {
      workspaceId,
      actor: actorOf(caller),
      action: "domain.remove",
      resource: { type: "domain", id },
      projectId: project.id,
      environmentId,
      facts: { hostname },
      nowMs,
    });
    return had;
  });
  deps.notifier.changed([EDGE_REGION]);
  // An order that is under way is given up at once; one that is missed here is given up by the sweep.
  if (hadCertificate) await tell(deps, () => deps.workflows.processCertificate(hostname, signal));
}
