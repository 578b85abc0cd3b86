/** A look at a gradual switch: its evidence, its instances, and what follows from them. */
import { beginnerOf, type Compared, evidenceOf, gateReason, stepsOf } from "../../internal/gradual/mod.ts";
import {
  countRunningInstances,
  type CtrlDatabase,
  findDeployment,
  findEnvironmentPointer,
  findGradualSwitch,
  type GradualSwitchesTable,
  listTraffic,
  noteGradualLook,
  type TrafficRow,
} from "../../internal/store/mod.ts";
import { sumOf } from "../../internal/traffic/sums.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { planLook } from "./plan.ts";
import type { GradualDeps, Look, Lost, Running } from "./types.ts";

const INTERVAL_MS = 10_000;
/** Older evidence does not count; this bounds the rows of a look, too. */
const WINDOW_MS_MAX = 30 * 60_000;

export async function lookAt({ db, clock }: GradualDeps, id: string): Promise<Look> {
  const row = await findGradualSwitch(db.kysely, id);
  if (row === undefined || row.ended_at !== null) return { kind: "ended", ...lostOf(row) };
  const nowMs = clock.now();
  const live = await livePointer(db, row.environment_id);
  const target = await findDeployment(db.kysely, row.deployment_id);
  const nextRunning = await countRunningInstances(db.kysely, row.deployment_id);
  const windows = await compare(db, row, nowMs);
  const [whole] = windows;
  const next = whole === undefined ? undefined : evidenceOf(whole.next);
  const requests = next?.requests ?? 0;
  // The same evidence is judged once.
  const isNew = requests !== row.requests_seen;
  const looks = row.looks + (isNew ? 1 : 0);
  const looksWithoutInstance = nextRunning > 0 ? 0 : row.looks_without_instance + 1;
  await noteGradualLook(db.kysely, id, {
    looks,
    requests_seen: requests,
    looks_without_instance: looksWithoutInstance,
    looked_at: nowMs,
    evidence: whole === undefined || next === undefined ? row.evidence : JSON.stringify({
      fromMs: whole.fromMs,
      untilMs: nowMs,
      next,
      live: evidenceOf(whole.live),
    }),
  });
  const plan = planLook({
    deploymentId: row.deployment_id,
    formerDeploymentId: row.former_deployment_id,
    nowMs,
    createdAtMs: row.created_at,
    stepStartedAtMs: row.step_started_at,
    everyMs: row.every_ms ?? undefined,
    liveDeploymentId: live,
    status: target?.status,
    nextRunning,
    formerRunning: await countRunningInstances(db.kysely, row.former_deployment_id),
    looksWithoutInstance,
    gate: isNew && looks > 0 ? gateReason(windows, looks) : undefined,
  });
  return plan.kind === "wait" ? plan : { ...plan, running: runningOf(row) };
}

function lostOf(row: GradualSwitchesTable | undefined): { readonly lost?: Lost } {
  if (row?.state !== "aborted" && row?.state !== "cancelled") return {};
  const { environment_id: environmentId, deployment_id: deploymentId } = row;
  return { lost: { environmentId, deploymentId, formerDeploymentId: row.former_deployment_id } };
}

/** An environment that was deleted has no live deployment. */
async function livePointer(db: CtrlDatabase, environmentId: string): Promise<string | undefined> {
  try {
    return (await findEnvironmentPointer(db.kysely, environmentId)).liveDeploymentId;
  } catch (error) {
    if (isFault(error, "not_found")) return undefined;
    throw error;
  }
}

interface Window extends Compared {
  readonly fromMs: number;
}

/** The requests of both versions since the beginning, and since the step, in intervals that lie in that time as a whole. */
async function compare(
  db: CtrlDatabase,
  row: GradualSwitchesTable,
  nowMs: number,
): Promise<readonly Window[]> {
  const beginOf = (ms: number): number =>
    Math.ceil(Math.max(ms, nowMs - WINDOW_MS_MAX) / INTERVAL_MS) * INTERVAL_MS;
  const fromMs = beginOf(row.created_at);
  const rows = await listTraffic(db.kysely, {
    deploymentIds: [row.deployment_id, row.former_deployment_id],
    stepSeconds: 10,
    fromMs,
    untilMs: nowMs,
  });
  const since = (ms: number): Window => {
    const own = (id: string): readonly TrafficRow[] =>
      rows.filter((each) => each.deploymentId === id && each.startedAtMs >= ms);
    return { fromMs: ms, next: sumOf(own(row.deployment_id)), live: sumOf(own(row.former_deployment_id)) };
  };
  const stepMs = beginOf(row.step_started_at);
  return stepMs === fromMs ? [since(fromMs)] : [since(fromMs), since(stepMs)];
}

export function runningOf(row: GradualSwitchesTable): Running {
  return {
    id: row.id,
    environmentId: row.environment_id,
    deploymentId: row.deployment_id,
    formerDeploymentId: row.former_deployment_id,
    step: row.step,
    steps: stepsOf(row).length,
    actor: beginnerOf(row),
  };
}
