/** Applies a plan to the rows of a queue, and reports their positions to the builds that wait. */
import { queueText, type RunningBuild } from "../../internal/deployments/queue.ts";
import {
  type BuildSlotsTable,
  type BuildSlotView,
  countsInQueue,
  deleteBuildSlots,
  lockDeployment,
  moveStatus,
  saveBuildSlots,
  startStep,
  type Tx,
} from "../../internal/store/mod.ts";
import type { AcquireAnswer } from "./contract.ts";
import { planQueue, positionToReport, type QueuedBuild } from "./plan.ts";
import type { Offer, SlotLimits } from "./types.ts";

/** A whole queue, and the build that asks. */
export interface Queue {
  readonly workspaceId: string;
  readonly rows: readonly BuildSlotView[];
  /** One of the rows; it takes what is offered at once. */
  readonly askerId?: string;
  readonly nowMs: number;
}

export interface UpdatedQueue {
  /** For the build that asks; meaningless without one. */
  readonly answer: AcquireAnswer;
  readonly offers: readonly Offer[];
}

/** Gives every build its next state; returns the answer to the build that asks, and the offers that are open. */
export async function updateQueue(
  tx: Tx,
  limits: SlotLimits,
  { workspaceId, rows, askerId, nowMs }: Queue,
): Promise<UpdatedQueue> {
  const byId = new Map(rows.map((row) => [row.deployment_id, row]));
  const of = (ids: readonly string[]): BuildSlotView[] => ids.flatMap((id) => byId.get(id) ?? []);
  const isAsker = (row: BuildSlotView): boolean => row.deployment_id === askerId;
  const plan = planQueue(rows.map(toBuild), limits.buildsMax, nowMs);

  const next = of(plan.next).map((row): BuildSlotView =>
    isAsker(row)
      ? { ...row, state: "holding", lease_until: nowMs + limits.leaseMs }
      : { ...row, state: "offered", lease_until: nowMs + limits.offerMs }
  );
  const running = [...of(plan.kept), ...next];
  const waiting = of(plan.waiting);
  const reported = waiting.map((row, ahead) => ({ ...row, reported_ahead: positionToReport(ahead) }));
  const changed = reported.filter((row, ahead) => row.reported_ahead !== waiting[ahead]?.reported_ahead);

  await deleteBuildSlots(tx, workspaceId, plan.gone);
  const asker = [...running, ...reported].filter(isAsker);
  await saveBuildSlots(tx, [...new Set([...next, ...changed, ...asker])].map(toRow));
  for (const row of changed) {
    await reportPosition(tx, row, { ahead: reported.indexOf(row), running: running.map(toRunning), nowMs });
  }
  return {
    answer: waiting.some(isAsker)
      ? { kind: "waiting", recheckMs: recheckMs(running, limits, nowMs) }
      : { kind: "granted" },
    offers: running.filter((row) => row.state === "offered")
      .map(({ deployment_id: deploymentId, ticket }) => ({ deploymentId, ticket })),
  };
}

/** No later than the first slot that runs out. */
function recheckMs(running: readonly BuildSlotView[], limits: SlotLimits, nowMs: number): number {
  const leases = running.map((row) => (row.lease_until ?? nowMs) - nowMs);
  return Math.max(1, Math.min(limits.recheckMs, ...leases));
}

/** As the user sees it: the status, a step that runs, and in its message what is in the way. */
async function reportPosition(
  tx: Tx,
  { deployment_id: id }: BuildSlotView,
  { ahead, running, nowMs }: {
    readonly ahead: number;
    readonly running: readonly RunningBuild[];
    readonly nowMs: number;
  },
): Promise<void> {
  // It may have ended since the queue was read.
  const status = (await lockDeployment(tx, id))?.status;
  if (status === "pending") await moveStatus(tx, { id, from: ["pending"], to: "queued", nowMs });
  else if (status !== "queued") return;
  const message = `Waiting for a build slot: ${queueText(ahead, running)}.`;
  await startStep(tx, { deploymentId: id, name: "queued", message, nowMs });
}

function toBuild(row: BuildSlotView): QueuedBuild {
  return {
    id: row.deployment_id,
    turnAtMs: row.turn_at,
    enqueuedAtMs: row.enqueued_at,
    state: row.state,
    leaseUntilMs: row.lease_until ?? undefined,
    alive: countsInQueue(row),
  };
}

function toRunning(row: BuildSlotView): RunningBuild {
  return {
    id: row.deployment_id,
    project: row.project_slug ?? "",
    environment: row.environment_slug ?? "",
  };
}

function toRow(row: BuildSlotView): BuildSlotsTable {
  const { deployment_id, workspace_id, state, enqueued_at, turn_at, lease_until, ticket, reported_ahead } =
    row;
  return { deployment_id, workspace_id, state, enqueued_at, turn_at, lease_until, ticket, reported_ahead };
}
