import { mayInProject } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { requireProject } from "../../internal/auth/project.ts";
import { type DeploymentView, listDeploymentViews } from "../../internal/store/mod.ts";
import { decodePageToken, encodePageToken } from "../../internal/page_token.ts";
import { optionalText, pageSize } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";

/** Which deployments, and which page of them. */
export interface ListRequest {
  /** Empty: all projects that the key may read. */
  readonly projectId: string;
  /** Empty: all environments. */
  readonly environmentSlug: string;
  /** 0: the default. */
  readonly pageSize: number;
  /** Empty: the first page. */
  readonly pageToken: string;
}

/** One page, newest first. */
export interface DeploymentPage {
  readonly deployments: readonly DeploymentView[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const PAGE_SIZE = 20;
const PAGE_SIZE_MAX = 100;

/** Lists deployments. @throws `not_found`, `invalid_argument` */
export async function listDeployments(
  deps: Pick<DeploymentDeps, "db">,
  caller: RootKeyPrincipal,
  request: ListRequest,
): Promise<DeploymentPage> {
  const size = pageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
  const filter = {
    workspaceId: caller.workspaceId,
    projectIds: await projectsOf(deps, caller, request.projectId),
    environmentSlug: optionalText("environment_slug", request.environmentSlug, 63) || undefined,
    before: decodePageToken(request.pageToken, "d"),
    limit: size + 1,
  };
  const found = await deps.db.read((db) => listDeploymentViews(db, filter));
  const deployments = found.slice(0, size);
  const last = deployments.at(-1);
  return {
    deployments,
    nextPageToken: found.length > size && last !== undefined ? encodePageToken(last) : "",
  };
}

/** The projects that a list is of; `undefined`: all of the workspace. */
export async function projectsOf(
  deps: Pick<DeploymentDeps, "db">,
  caller: RootKeyPrincipal,
  projectId: string,
): Promise<readonly string[] | undefined> {
  const action = "read_deployment";
  if (projectId !== "") {
    return [(await requireProject(deps, caller, { id: projectId, action, field: "project_id" })).id];
  }
  if (mayInProject(caller, action, "*")) return undefined;
  return [...caller.permissions].flatMap((each) =>
    /^project\.(proj_[^.]+)\.read_deployment$/.exec(each)?.[1] ?? []
  );
}
