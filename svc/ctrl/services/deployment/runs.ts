/** Runs that were asked for: one, many, and the end of one. */
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { type ProjectAction, requireInProject } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { decodePageToken, pageOf } from "../../internal/page_token.ts";
import { cancelRun as endRun } from "../../internal/runs/mod.ts";
import { findRun, listRuns as selectRuns, recordAudit, type StoredRun } from "../../internal/store/mod.ts";
import { invalid, optionalText, pageSize } from "../../internal/validate/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";
import { projectsOf } from "./list.ts";

/** @throws `not_found` also for another workspace's; `permission_denied` */
export async function requireRun(
  { db }: Pick<DeploymentDeps, "db">,
  caller: RootKeyPrincipal,
  { id, action }: { readonly id: string; readonly action: ProjectAction },
): Promise<StoredRun> {
  if (id === "") throw invalid("run_id", "is required");
  const run = await findRun(db.kysely, caller.workspaceId, parseId("run", "run_id", id));
  if (run === undefined) {
    throw publicFault("not_found", `Run "${id}" was not found: "unkey list runs" shows yours.`);
  }
  requireInProject(caller, action, run.project_id);
  return run;
}

/** Ends a run. A run that has ended stays as it is. @throws `not_found`, `permission_denied` */
export async function cancelRun(
  deps: Pick<DeploymentDeps, "db" | "clock" | "notifier">,
  caller: RootKeyPrincipal,
  id: string,
): Promise<StoredRun> {
  const { db, clock, notifier } = deps;
  const run = await requireRun(deps, caller, { id, action: "run_command" });
  const regions = await transact(db, async (tx) => {
    const nowMs = clock.now();
    const changed = await endRun(tx, run, { nowMs });
    if (changed.length > 0) {
      await recordAudit(tx, {
        workspaceId: caller.workspaceId,
        actor: actorOf(caller),
        action: "run.cancel",
        resource: { type: "run", id: run.run_id },
        projectId: run.project_id,
        environmentId: run.environment_id,
        facts: { deploymentId: run.deployment_id },
        nowMs,
      });
    }
    return changed;
  });
  notifier.changed(regions);
  return await requireRun(deps, caller, { id, action: "run_command" });
}

/** Which runs, and which page of them; an empty text asks for all. */
export interface RunsRequest {
  readonly projectId: string;
  readonly environmentSlug: string;
  readonly deploymentId: string;
  /** The name of a cron. */
  readonly cron: string;
  /** 0: the default. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** One page, newest first. */
export interface RunPage {
  readonly runs: readonly StoredRun[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const PAGE_SIZE = 20;
const PAGE_SIZE_MAX = 100;

/** Lists runs. @throws `not_found`, `permission_denied`, `invalid_argument` */
export async function listRuns(
  deps: Pick<DeploymentDeps, "db" | "reader">,
  caller: RootKeyPrincipal,
  request: RunsRequest,
): Promise<RunPage> {
  const size = pageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
  const { deploymentId, projectId } = request;
  const action = "read_deployment";
  const deployment = deploymentId === ""
    ? undefined
    : await requireDeployment(deps, caller, { id: deploymentId, action });
  const found = await selectRuns(deps.db.kysely, {
    workspaceId: caller.workspaceId,
    projectIds: deployment !== undefined && projectId === ""
      ? undefined
      : await projectsOf(deps, caller, projectId),
    environmentSlug: optionalText("environment_slug", request.environmentSlug, 63) || undefined,
    deploymentId: deployment?.id,
    cron: optionalText("cron", request.cron, 63) || undefined,
    before: decodePageToken(request.pageToken, "run"),
    limit: size + 1,
  });
  const { rows, nextPageToken } = pageOf(found.map((row) => ({ ...row, id: row.run_id })), size);
  return { runs: rows, nextPageToken };
}
