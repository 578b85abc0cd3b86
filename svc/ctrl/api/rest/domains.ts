/** The routes of custom domains. Each one checks the body, calls a use case and builds the answer. */
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { addDomain } from "../../services/domain/add.ts";
import type { DomainDeps } from "../../services/domain/deps.ts";
import { listDomains } from "../../services/domain/list.ts";
import { removeDomain } from "../../services/domain/remove.ts";
import { setRedirect } from "../../services/domain/set_redirect.ts";
import type { ShownDomain } from "../../services/domain/show.ts";
import { retryDomain, verifyDomain } from "../../services/domain/verify.ts";
import { readBody } from "./body.ts";
import type { Answer } from "./deploy.ts";
import { addDomainBody, domainBody, listDomainsBody, setDomainRedirectBody } from "./schemas.ts";

export async function addDomainRoute(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const { redirectTo = "", ...body } = await readBody(request, "/v2/deploy.addDomain", addDomainBody);
  const wanted = { ...body, redirectTo, workspaceId: "", environmentId: "" };
  const added = await addDomain(deps, caller, wanted, request.signal);
  return { status: added.created ? 201 : 200, data: domainData(added) };
}

export async function listDomainsRoute(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const { projectId, environmentSlug = "" } = await readBody(
    request,
    "/v2/deploy.listDomains",
    listDomainsBody,
  );
  const shown = await listDomains(deps, caller, { projectId, environmentSlug }, request.signal);
  return { status: 200, data: { domains: shown.map(domainData) } };
}

export async function verifyDomainRoute(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const body = await readBody(request, "/v2/deploy.verifyDomain", domainBody);
  return { status: 200, data: domainData(await verifyDomain(deps, caller, body, request.signal)) };
}

export async function retryDomainRoute(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const body = await readBody(request, "/v2/deploy.retryDomain", domainBody);
  return { status: 200, data: domainData(await retryDomain(deps, caller, body, request.signal)) };
}

export async function setDomainRedirectRoute(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const body = await readBody(request, "/v2/deploy.setDomainRedirect", setDomainRedirectBody);
  return { status: 200, data: domainData(await setRedirect(deps, caller, body, request.signal)) };
}

export async function removeDomainRoute(
  deps: DomainDeps,
  caller: RootKeyPrincipal,
  request: Request,
): Promise<Answer> {
  const body = await readBody(request, "/v2/deploy.removeDomain", domainBody);
  await removeDomain(deps, caller, body, request.signal);
  return { status: 200, data: {} };
}

function domainData({ view, issues, records }: ShownDomain): Readonly<Record<string, unknown>> {
  return {
    id: view.id,
    domain: view.hostname,
    environmentSlug: view.environment_slug,
    status: view.status.toUpperCase(),
    reaches: view.reaches === 1,
    ...(view.proof === null ? {} : { proof: view.proof }),
    ...(view.redirect_to === "" ? {} : { redirectTo: view.redirect_to }),
    issues,
    records,
    createdAt: view.created_at,
    ...(view.verified_at === null ? {} : { verifiedAt: view.verified_at }),
    ...(view.checked_at === null ? {} : { checkedAt: view.checked_at }),
    ...(view.not_after === null ? {} : { certificateEndsAt: view.not_after }),
    ...(view.order_problem === null || view.order_status === "issued"
      ? {}
      : { certificateProblem: view.order_problem }),
  };
}
