/** Looks at records on a user's request. */
import { transact } from "../../../../pkg/db/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requestInTransaction } from "../../internal/certificates/mod.ts";
import {
  findCertificateOrder,
  lockCustomDomain,
  recordAudit,
  type Tx,
  updateCustomDomain,
} from "../../internal/store/mod.ts";
import { domainMissing, requireDomains } from "../../internal/domains/mod.ts";
import { type DomainDeps, tell } from "./deps.ts";
import { type DomainName, requireDomain } from "./find.ts";
import { type ShownDomain, showNow } from "./show.ts";

/** Says what the DNS has now, and lets the workflow look at once; a domain that failed stays so until a retry. */
export async function verifyDomain(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: DomainName,
  signal?: AbortSignal,
): Promise<ShownDomain> {
  requireDomains(deps.domains);
  const found = await requireDomain(deps, caller, request, "manage_domains");
  const { id, status } = found.row;
  if (status !== "failed") {
    const nowMs = deps.clock.now();
    await updateCustomDomain(deps.db.kysely, id, { next_check_at: nowMs, updated_at: nowMs });
    await tell(deps, () => deps.workflows.verifyDomain(id, signal));
  }
  return await showNow(deps, found, signal);
}

/** Looks for the records from the beginning, also after a failure, and tries to get the certificate at once. */
export async function retryDomain(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: DomainName,
  signal?: AbortSignal,
): Promise<ShownDomain> {
  requireDomains(deps.domains);
  const { project, row: { id, hostname } } = await requireDomain(deps, caller, request, "manage_domains");
  const nowMs = deps.clock.now();
  const { row, ordered } = await transact(deps.db, async (tx) => {
    const known = await lockCustomDomain(tx, id);
    if (known === undefined) throw domainMissing(hostname, project.slug);
    const changes = {
      status: known.status === "verified" ? "verified" as const : "pending" as const,
      findings: null,
      verify_from: nowMs,
      next_check_at: nowMs,
      updated_at: nowMs,
    };
    await updateCustomDomain(tx, id, changes);
    await recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: "domain.retry",
      resource: { type: "domain", id },
      projectId: project.id,
      environmentId: known.environment_id,
      facts: { hostname },
      nowMs,
    });
    const row = { ...known, ...changes };
    return { row, ordered: await orderAgain(tx, row, nowMs) };
  });
  await tell(deps, () => deps.workflows.verifyDomain(id, signal));
  if (ordered) await tell(deps, () => deps.workflows.processCertificate(hostname, signal));
  return await showNow(deps, { project, row }, signal);
}

/** Tries the certificate that is wanted already; the workflow wants those that are not. */
async function orderAgain(
  tx: Tx,
  { hostname, workspace_id: workspaceId, status }: {
    readonly hostname: string;
    readonly workspace_id: string;
    readonly status: string;
  },
  nowMs: number,
): Promise<boolean> {
  const order = await findCertificateOrder(tx, hostname);
  const isOwn = order?.workspace_id === workspaceId && order.status !== "cancelled";
  if (status !== "verified" || !isOwn) return false;
  await requestInTransaction(tx, { workspaceId, hostname }, nowMs);
  return true;
}
