/** Changes of a workspace's domains inside of a transaction, which has locked the workspace: names and redirects are its own. */
import { type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../auth/actor.ts";
import type { RootKeyPrincipal } from "../auth/principal.ts";
import {
  announceHostnames,
  countCustomDomains,
  type CustomDomainsTable,
  type EnvironmentsTable,
  findCustomDomain,
  insertCustomDomain,
  listRedirectsTo,
  recordAudit,
  type Tx,
  updateCustomDomain,
} from "../store/mod.ts";
import { invalid } from "../validate/mod.ts";
import type { DomainDns } from "./look.ts";

/** Adds a name that the workspace does not have. @throws `failed_precondition` for one too many, and as `checkRedirect` */
export async function addDomainWithin(
  tx: Tx,
  caller: RootKeyPrincipal,
  { wanted, project, domainsMax }: {
    readonly wanted: CustomDomainsTable;
    readonly project: string;
    readonly domainsMax: number;
  },
): Promise<void> {
  const { workspace_id: workspaceId, hostname, redirect_to: redirectTo } = wanted;
  if (await countCustomDomains(tx, workspaceId) >= domainsMax) throw tooMany(domainsMax);
  if (redirectTo !== "") await checkRedirect(tx, wanted, project);
  await insertCustomDomain(tx, wanted);
  await recordAudit(tx, {
    workspaceId,
    actor: actorOf(caller),
    action: "domain.add",
    resource: { type: "domain", id: wanted.id },
    projectId: wanted.project_id,
    environmentId: wanted.environment_id,
    facts: { hostname, ...(redirectTo === "" ? {} : { redirectTo }) },
    nowMs: wanted.created_at,
  });
}

/**
 * Sends requests of a domain to another one, or serves them, and returns the row as it is then. The edges are to be
 * notified after the transaction.
 *
 * @throws as `checkRedirect`
 */
export async function redirectWithin(
  tx: Tx,
  caller: RootKeyPrincipal,
  { known, redirectTo, project, nowMs }: {
    readonly known: CustomDomainsTable;
    /** Empty: requests are served. */
    readonly redirectTo: string;
    readonly project: string;
    readonly nowMs: number;
  },
): Promise<CustomDomainsTable> {
  if (known.redirect_to === redirectTo) return known;
  const { id, workspace_id: workspaceId, hostname } = known;
  const changed = { ...known, redirect_to: redirectTo, updated_at: nowMs };
  if (redirectTo !== "") await checkRedirect(tx, changed, project);
  await updateCustomDomain(tx, id, { redirect_to: redirectTo, updated_at: nowMs });
  await announceHostnames(tx, { workspaceId, hostnames: [hostname] }, nowMs);
  await recordAudit(tx, {
    workspaceId,
    actor: actorOf(caller),
    action: "domain.set",
    resource: { type: "domain", id },
    projectId: known.project_id,
    environmentId: known.environment_id,
    facts: { hostname, redirectTo },
    nowMs,
  });
  return changed;
}

/** @throws `already_exists` for a name that another environment of the workspace has */
export function refuseElsewhere(
  { environment_id: ownerId, hostname }: Pick<CustomDomainsTable, "environment_id" | "hostname">,
  { id, slug }: Pick<EnvironmentsTable, "id" | "slug">,
): void {
  if (ownerId === id) return;
  throw publicFault(
    "already_exists",
    `"${hostname}" belongs to another environment of your workspace than "${slug}": ` +
      `remove it there first, with "unkey domains remove ${hostname}".`,
  );
}

/** @throws `failed_precondition` when the operator wants no custom domains */
export function requireDomains(domains: DomainDns | undefined): DomainDns {
  if (domains !== undefined) return domains;
  throw publicFault(
    "failed_precondition",
    "This platform has no custom domains: its operator has not set --domain-target (UNKEY_DOMAIN_TARGET).",
  );
}

/** A name that the project does not have, or that another workspace has. */
export function domainMissing(hostname: string, project: string): Fault {
  return publicFault(
    "not_found",
    `"${hostname}" is not a domain of project "${project}": "unkey domains list" shows those that are.`,
  );
}

/** @throws `invalid_argument`, `not_found`; `failed_precondition` for a redirect that would lead on or in a circle */
async function checkRedirect(
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

function tooMany(most: number): Fault {
  return publicFault(
    "failed_precondition",
    `Your workspace has ${most} domains, which is the most: remove one that is not needed any more with ` +
      '"unkey domains remove".',
  );
}
