/** A release command: wanted with the placement, and settled when it has succeeded, so that the instances start. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import type { AppSettings } from "../../internal/deployments/app/settings.ts";
import { decodeStrings } from "../../internal/json.ts";
import {
  announcePlacement,
  appendLogLines,
  type CtrlDatabase,
  type DeploymentTasksTable,
  findTask,
  isFinalTask,
  lockDeployment,
  type NewTask,
  RELEASE_TASK,
  retellStep,
  settleTask,
  stepSpanId,
  type Tx,
} from "../../internal/store/mod.ts";
import type { SpanTaker } from "../../internal/traces/mod.ts";
import { type ReleaseState, startText } from "../rollout/release.ts";

export interface ReleaseDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly changes: ChangeNotifier;
  readonly spans: SpanTaker;
}

/** Of a deployment that sets no limit. */
export const RELEASE_SECONDS_DEFAULT = 600;

/** The task of an app that has a release command. It runs in one region: the first of the app's that has an agent. */
export function releaseOf(
  app: AppSettings | undefined,
  regions: readonly string[],
  live: ReadonlySet<string>,
): Pick<NewTask, "name" | "region" | "command" | "timeout_seconds"> | undefined {
  const { releaseCommand: command, releaseSeconds = RELEASE_SECONDS_DEFAULT } = app ?? {};
  const region = regions.find((each) => live.has(each)) ?? regions[0];
  if (command === undefined || region === undefined) return undefined;
  return { name: RELEASE_TASK, region, command, timeout_seconds: releaseSeconds };
}

/** The deployment's release command; one that has succeeded is settled first. `undefined`: it has none. */
export async function followRelease(deps: ReleaseDeps, id: string): Promise<ReleaseState | undefined> {
  const { db, clock, changes } = deps;
  const task = await findTask(db.kysely, id, RELEASE_TASK);
  if (task === undefined) return undefined;
  if (task.settled_at !== null || !isFinalTask(task.state)) return stateOf(task);
  const nowMs = clock.now();
  takeSpan(deps, task, nowMs);
  if (task.state === "failed") return stateOf(task);
  const regions = await transact(db, (tx) => settle(tx, task, nowMs));
  changes.changed(regions);
  return { ...stateOf(task), settledAtMs: nowMs };
}

/** The output, the step and the change for the agents in one transaction; a repetition finds the mark and writes nothing. */
async function settle(tx: Tx, task: DeploymentTasksTable, nowMs: number): Promise<readonly string[]> {
  const { deployment_id: deploymentId, name } = task;
  const row = await lockDeployment(tx, deploymentId);
  if (row?.status !== "deploying" || !await settleTask(tx, { deploymentId, name, nowMs })) return [];
  const lines = decodeStrings(task.last_log_lines);
  await appendLogLines(tx, deploymentId, { source: "instance", origin: task.instance, lines }, nowMs);
  const regions = await announcePlacement(tx, { deploymentId, nowMs });
  await retellStep(tx, { deploymentId, name: "deploying", message: startText(regions), nowMs });
  return regions;
}

function takeSpan({ spans }: ReleaseDeps, task: DeploymentTasksTable, nowMs: number): void {
  spans.push(task.deployment_id, [{
    source: "worker",
    key: `task ${task.name}`,
    parentId: stepSpanId(task.deployment_id, "deploying"),
    region: task.region,
    name: "release command",
    status: task.state === "succeeded" ? "done" : "failed",
    startedAtMs: task.created_at,
    endedAtMs: task.ended_at ?? nowMs,
  }]);
}

function stateOf(task: DeploymentTasksTable): ReleaseState {
  return {
    region: task.region,
    command: decodeStrings(task.command),
    state: task.state,
    instance: task.instance,
    reason: task.reason,
    message: task.message,
    exitCode: task.exit_code,
    lastLogLines: decodeStrings(task.last_log_lines),
    timeoutMs: task.timeout_seconds * 1_000,
    wantedAtMs: task.created_at,
    changedAtMs: task.updated_at,
    startedAtMs: task.started_at,
    settledAtMs: task.settled_at,
  };
}
