/** Runs as messages. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type RunSchema, RunState as WireState } from "../../../../proto/gen/ctrl/v1/run_pb.ts";
import { decodeStrings } from "../../internal/json.ts";
import { type RunState, stateOfRun } from "../../internal/runs/mod.ts";
import { findProjectSlugs, type Queryable, type StoredRun } from "../../internal/store/mod.ts";

const STATES: Record<RunState, WireState> = {
  starting: WireState.STARTING,
  running: WireState.RUNNING,
  succeeded: WireState.SUCCEEDED,
  failed: WireState.FAILED,
  cancelled: WireState.CANCELLED,
  timed_out: WireState.TIMED_OUT,
  lost: WireState.LOST,
  skipped: WireState.SKIPPED,
  missed: WireState.MISSED,
  refused: WireState.REFUSED,
};

type RunMessage = MessageInitShape<typeof RunSchema>;

/** The messages of runs of one workspace, with the names of their projects. */
export async function encodeRuns(db: Queryable, runs: readonly StoredRun[]): Promise<RunMessage[]> {
  const [first] = runs;
  if (first === undefined) return [];
  const slugs = await findProjectSlugs(db, first.workspace_id, runs.map((run) => run.project_id));
  return runs.map((run) => encodeRun(run, slugs.get(run.project_id) ?? ""));
}

/** The same for one. */
export async function encodeOneRun(db: Queryable, run: StoredRun): Promise<RunMessage> {
  const slugs = await findProjectSlugs(db, run.workspace_id, [run.project_id]);
  return encodeRun(run, slugs.get(run.project_id) ?? "");
}

export function encodeRun(run: StoredRun, projectSlug: string): RunMessage {
  return {
    id: run.run_id,
    projectId: run.project_id,
    projectSlug,
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
    cron: run.cron_name ?? "",
    plannedAt: BigInt(run.planned_at ?? 0),
    plannedTimes: run.planned_times ?? 0,
  };
}
