import { parseId } from "../../../../pkg/uid/mod.ts";
import type { RootKeyPrincipal, ServicePrincipal } from "../../internal/auth/principal.ts";
import { decodePageToken, pageOf } from "../../internal/page_token.ts";
import { type AuditLogTable, listAuditEntries } from "../../internal/store/mod.ts";
import { optionalText, pageSize } from "../../internal/validate/mod.ts";
import type { AdminDeps } from "./deps.ts";
import { workspaceFor } from "./workspaces.ts";

/** Which entries, and which page of them; an empty text asks for all. */
export interface AuditRequest {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly action: string;
  /** 0: the default. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** One page, newest first. */
export interface AuditPage {
  readonly entries: readonly AuditLogTable[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const PAGE_SIZE = 50;
const PAGE_SIZE_MAX = 200;

/** Lists the audit log of the caller's workspace; for the service token without one, the entries of no workspace. */
export async function listAuditLog(
  deps: AdminDeps,
  caller: RootKeyPrincipal | ServicePrincipal,
  request: AuditRequest,
): Promise<AuditPage> {
  const { projectId, deploymentId, action } = request;
  const size = pageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
  const ofNone = caller.kind === "service" && request.workspaceId === "";
  const filter = {
    workspaceId: ofNone ? "" : await workspaceFor(deps, caller, request.workspaceId),
    projectId: projectId === "" ? undefined : parseId("project", "project_id", projectId),
    resourceId: deploymentId === "" ? undefined : parseId("deployment", "deployment_id", deploymentId),
    action: optionalText("action", action, 64) || undefined,
    before: decodePageToken(request.pageToken, "audit"),
    limit: size + 1,
  };
  const found = await deps.db.read((db) => listAuditEntries(db, filter));
  const { rows: entries, nextPageToken } = pageOf(found, size);
  return { entries, nextPageToken };
}
