/** Runs that were asked for: one, many, and the end of one. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { transact } from "../../../../pkg/db/mod.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import { type RunSchema, RunState as WireState } from "../../../../proto/gen/ctrl/v1/run_pb.ts";
import { actorOf } from "../../internal/auth/actor.ts";
import { type ProjectAction, requireInProject } from "../../internal/auth/permissions.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { decodeStrings } from "../../internal/json.ts";
import { decodePageToken, pageOf } from "../../internal/page_token.ts";
import { cancelRun as endRun, type RunState, stateOfRun } from "../../internal/runs/mod.ts";
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
    before: decodePageToken(request.pageToken, "run"),
    limit: size + 1,
  });
  const { rows, nextPageToken } = pageOf(found.map((row) => ({ ...row, id: row.run_id })), size);
  return { runs: rows, nextPageToken };
}

const STATES: Record<RunState, WireState> = {
  starting: WireState.STARTING,
  running: WireState.RUNNING,
  succeeded: WireState.SUCCEEDED,
  failed: WireState.FAILED,
  cancelled: WireState.CANCELLED,
  timed_out: WireState.TIMED_OUT,
  lost: WireState.LOST,
};

export function encodeRun(run: StoredRun): MessageInitShape<typeof RunSchema> {
  return {
    id: run.run_id,
    projectId: run.project_id,
    environmentId: run.environment_id,
    environmentSlug: run.environment_slug,
    deploymentId: run.deployment_id,
    region: run.region,
    command: [...decodeStrings(run.command)],
    state: STATES[stateOfRun(run)],
    reason: run.reason,
    message: run.message,
    ...(run.exit_code === null ? {} : { exitCode: run.exit_code }),
    instance: run.instance,
    lastLogLines: [...decodeStrings(run.last_log_lines)],
    timeoutSeconds: run.timeout_seconds,
    createdAt: BigInt(run.created_at),
    startedAt: BigInt(run.started_at ?? 0),
    endedAt: BigInt(run.ended_at ?? 0),
    createdBy: run.created_by,
  };
}
