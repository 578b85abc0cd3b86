import { LINK_PARAMETER, makeLinkToken, type Scope } from "../../../../pkg/access_proof/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { type Fault, publicFault } from "../../../../pkg/fault/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireEnvironment, requireProject } from "../../internal/auth/project.ts";
import { urlOf } from "../../internal/deployments/urls.ts";
import { openKey } from "../../internal/protection/mod.ts";
import {
  type EnvironmentsTable,
  findEnvironment,
  listDeploymentViewsByIds,
  listProtections,
  listRoutesOfEnvironment,
  type ProjectsTable,
  protectionOf,
  recordAudit,
} from "../../internal/store/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { invalid } from "../../internal/validate/mod.ts";
import type { ProtectionDeps } from "./protection_deps.ts";

export interface ShareLinkRequest {
  readonly projectId: string;
  readonly target:
    | { readonly kind: "environment"; readonly slug: string }
    | { readonly kind: "deployment"; readonly id: string };
  /** 0: a day. */
  readonly validSeconds: number;
}

export interface ShareLink {
  readonly token: string;
  readonly urls: readonly string[];
  readonly endsAtMs: number;
}

const DAY_SECONDS = 86_400;
const VALID_SECONDS_MIN = 60;
const VALID_SECONDS_MAX = 90 * DAY_SECONDS;
/** Names for people first. */
const STICKY = ["custom", "live", "environment", "branch"] as const;
const URLS_MAX = 20;

/**
 * Makes a link that proves to edges that its visitor may see an environment, or one deployment. It works as often as it is used,
 * until it ends, or all links of the password are revoked.
 *
 * @throws `not_found`, `permission_denied`; `invalid_argument` for a time out of bounds; `failed_precondition` where nothing is
 * protected, or nothing has a host name
 */
export async function createShareLink(
  deps: ProtectionDeps,
  caller: RootKeyPrincipal,
  { projectId, target, validSeconds }: ShareLinkRequest,
): Promise<ShareLink> {
  const { db, clock, vault, edgeUrl } = deps;
  const seconds = validSeconds === 0 ? DAY_SECONDS : validSeconds;
  if (!(seconds >= VALID_SECONDS_MIN && seconds <= VALID_SECONDS_MAX)) {
    throw invalid(
      "valid_seconds",
      `must be between ${VALID_SECONDS_MIN} and ${VALID_SECONDS_MAX}`,
      String(seconds),
    );
  }
  const project = await requireProject({ db }, caller, { id: projectId, action: "protect_environment" });
  const { environment, hostnames, scope } = target.kind === "environment"
    ? await ofEnvironment(deps, project, target.slug)
    : await ofDeployment(deps, project, target.id);
  const rows = await listProtections(db.kysely, { workspaceId: project.workspace_id, projectId: project.id });
  const row = protectionOf(rows, environment);
  if (row === undefined) throw notProtected(environment.slug);
  if (hostnames.length === 0) throw nothingThere(environment.slug);
  const nowMs = clock.now();
  const endsAtSeconds = Math.floor(nowMs / 1_000) + seconds;
  const token = makeLinkToken(await openKey(vault, row), scope, endsAtSeconds);
  await transact(db, (tx) =>
    recordAudit(tx, {
      workspaceId: caller.workspaceId,
      actor: actorOf(caller),
      action: "share_link.create",
      resource: { type: scope.kind, id: scope.id },
      projectId: project.id,
      environmentId: environment.id,
      facts: { valid_seconds: seconds },
      nowMs,
    }));
  const urls = hostnames.slice(0, URLS_MAX).map((each) =>
    `${urlOf(edgeUrl, each)}/?${LINK_PARAMETER}=${token}`
  );
  return { token, urls, endsAtMs: endsAtSeconds * 1_000 };
}

interface Target {
  readonly environment: EnvironmentsTable;
  readonly hostnames: readonly string[];
  readonly scope: Scope;
}

async function ofEnvironment({ db }: ProtectionDeps, project: ProjectsTable, slug: string): Promise<Target> {
  const environment = await requireEnvironment({ db }, project, slug);
  const routes = await listRoutesOfEnvironment(db.kysely, environment.id, STICKY);
  const order = (sticky: string): number => STICKY.findIndex((each) => each === sticky);
  const hostnames = routes.toSorted((a, b) => order(a.sticky) - order(b.sticky)).map((each) => each.hostname);
  return { environment, hostnames, scope: { kind: "environment", id: environment.id } };
}

/** Its own name first: that leads to it for ever. */
async function ofDeployment({ db }: ProtectionDeps, project: ProjectsTable, given: string): Promise<Target> {
  const id = parseId("deployment", "deployment_id", given);
  const found = (await listDeploymentViewsByIds(db.kysely, [id])).get(id);
  const environment = found?.projectId === project.id
    ? await findEnvironment(db.kysely, project.workspace_id, found.environmentId)
    : undefined;
  if (found === undefined || environment === undefined) {
    throw publicFault("not_found", `Deployment "${id}" was not found in project "${project.slug}".`);
  }
  return { environment, hostnames: found.hostnames.toReversed(), scope: { kind: "deployment", id } };
}

function notProtected(slug: string): Fault {
  return publicFault(
    "failed_precondition",
    `The environment "${slug}" is not protected: its URLs need no link. "unkey protect" protects it.`,
  );
}

function nothingThere(slug: string): Fault {
  return publicFault(
    "failed_precondition",
    `Nothing has a URL in the environment "${slug}" yet: "unkey deploy --env ${slug}" makes a deployment.`,
  );
}
