/**
 * The REST routes `/v2/deploy.*`: the same use cases as the RPCs, in the envelope `{ meta, data }` or `{ meta, error }`.
 *
 * @module
 */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { HttpRoute } from "../../../../pkg/rpc/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import type { DeploymentDeps } from "../../services/deployment/deps.ts";
import { type Authenticator, bearer } from "../authenticate.ts";
import type { DomainDeps } from "../../services/domain/deps.ts";
import {
  type Answer,
  createDeploymentRoute,
  generateUploadUrl,
  getDeploymentRoute,
  type Route,
} from "./deploy.ts";
import {
  addDomainRoute,
  listDomainsRoute,
  removeDomainRoute,
  retryDomainRoute,
  setDomainRedirectRoute,
  verifyDomainRoute,
} from "./domains.ts";
import {
  cancelRoute,
  listDeploymentsRoute,
  promoteRoute,
  rollbackRoute,
  startRoute,
  stopRoute,
} from "./lifecycle.ts";
import { getAppSettingsRoute, setAppSettingsRoute, setSizeRoute } from "./settings.ts";
import { ProblemError, problemOf } from "./problem.ts";

export interface RestOptions {
  readonly authenticate: Authenticator;
  readonly deployment: DeploymentDeps;
  readonly domain: DomainDeps;
  readonly clock: Clock;
  readonly log: Logger;
}

const ROUTES: Readonly<Record<string, Route<DeploymentDeps>>> = {
  "/v2/deploy.generateUploadUrl": generateUploadUrl,
  "/v2/deploy.createDeployment": createDeploymentRoute,
  "/v2/deploy.getDeployment": getDeploymentRoute,
  "/v2/deploy.listDeployments": listDeploymentsRoute,
  "/v2/deploy.promote": promoteRoute,
  "/v2/deploy.rollback": rollbackRoute,
  "/v2/deploy.cancel": cancelRoute,
  "/v2/deploy.stop": stopRoute,
  "/v2/deploy.start": startRoute,
  "/v2/deploy.getAppSettings": getAppSettingsRoute,
  "/v2/deploy.setAppSettings": setAppSettingsRoute,
  "/v2/deploy.setSize": setSizeRoute,
};
const DOMAIN_ROUTES: Readonly<Record<string, Route<DomainDeps>>> = {
  "/v2/deploy.addDomain": addDomainRoute,
  "/v2/deploy.listDomains": listDomainsRoute,
  "/v2/deploy.verifyDomain": verifyDomainRoute,
  "/v2/deploy.retryDomain": retryDomainRoute,
  "/v2/deploy.setDomainRedirect": setDomainRedirectRoute,
  "/v2/deploy.removeDomain": removeDomainRoute,
};

/** Answers everything below `/v2/`, unknown routes included. */
export function restRoutes(options: RestOptions): HttpRoute {
  const { clock, log } = options;
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/v2/")) return undefined;
    const requestId = newId("request", clock.now());
    const startedAtMs = clock.now();
    const fields: Record<string, unknown> = {};
    try {
      const { status, data } = await answer(options, pathname, request, fields);
      log.debug("rest", line(status));
      return Response.json({ meta: { requestId }, data }, { status, headers: { "x-request-id": requestId } });
    } catch (error) {
      const { status, title, type, detail, errors } = problemOf(error);
      // A caller without credentials must not be able to fill the log.
      if (fields["key_id"] !== undefined || status >= 500) {
        log[status >= 500 ? "error" : "info"]("rest", { ...line(status), error: describeError(error) });
      }
      await request.body?.cancel().catch(() => undefined);
      const body = { meta: { requestId }, error: { title, type, detail, status, ...(errors && { errors }) } };
      const allow: Record<string, string> = status === 405 ? { allow: "POST" } : {};
      const headers = { "x-request-id": requestId, ...allow, ...retryAfter(error) };
      return Response.json(body, { status, headers });
    }

    function line(status: number): Record<string, unknown> {
      return {
        route: pathname,
        request_id: requestId,
        ...fields,
        status,
        duration_ms: clock.now() - startedAtMs,
      };
    }
  };
}

/** The route with what it works on. */
function routeOf({ deployment, domain }: RestOptions, pathname: string): BoundRoute | undefined {
  const route = Object.hasOwn(ROUTES, pathname) ? ROUTES[pathname] : undefined;
  if (route !== undefined) return (caller, request) => route(deployment, caller, request);
  const ofDomain = Object.hasOwn(DOMAIN_ROUTES, pathname) ? DOMAIN_ROUTES[pathname] : undefined;
  return ofDomain && ((caller, request) => ofDomain(domain, caller, request));
}

type BoundRoute = (caller: RootKeyPrincipal, request: Request) => Promise<Answer>;

function retryAfter(error: unknown): Record<string, string> {
  const seconds = error instanceof Fault ? error.retryAfterSeconds : undefined;
  return seconds === undefined ? {} : { "retry-after": String(seconds) };
}

async function answer(
  options: RestOptions,
  pathname: string,
  request: Request,
  fields: Record<string, unknown>,
) {
  const route = routeOf(options, pathname);
  if (route === undefined) {
    const detail = `There is no route "${pathname.slice(0, 120)}".`;
    throw new ProblemError({ status: 404, type: "application/not_found", detail });
  }
  if (request.method !== "POST") {
    const detail = "This route takes POST requests only.";
    throw new ProblemError({ status: 405, type: "application/method_not_allowed", detail });
  }
  const caller = await authenticateRootKey(options.authenticate, request.headers);
  Object.assign(fields, { workspace_id: caller.workspaceId, key_id: caller.keyId });
  return await route(caller, request);
}

async function authenticateRootKey(
  authenticate: Authenticator,
  headers: Headers,
): Promise<RootKeyPrincipal> {
  const authorization = headers.get("authorization");
  if (authorization === null) {
    const detail = 'The "Authorization" header is missing. Send "Authorization: Bearer <root key>".';
    throw new ProblemError({ status: 400, type: "authentication/missing", detail });
  }
  if (bearer(authorization) === undefined) {
    const detail = 'The "Authorization" header must have the form "Bearer <root key>".';
    throw new ProblemError({ status: 400, type: "authentication/malformed", detail });
  }
  const principal = await authenticate(headers);
  if (principal.kind === "root_key") return principal;
  const detail = "These credentials are not a root key.";
  throw new ProblemError({ status: 403, type: "authorization/insufficient_permissions", detail });
}
