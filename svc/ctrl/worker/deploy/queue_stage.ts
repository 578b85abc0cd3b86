/** The part of a deploy that waits for its workspace's build slots. */
import type { Compensations, DurableWorkflow } from "../../../../pkg/durable/mod.ts";
import { CANCEL } from "../rollout/wait.ts";
import type { AcquireAnswer, AcquireRequest } from "../slots/contract.ts";
import type { Failure } from "../rollout/plan.ts";
import { CANCELLED, type DeploySteps, ON, type StageResult } from "./types.ts";

/** The build slots of a workspace, through their contract. */
export interface BuildSlots {
  acquire(durable: DurableWorkflow, workspaceId: string, request: AcquireRequest): Promise<AcquireAnswer>;
  release(durable: DurableWorkflow, workspaceId: string, deploymentId: string): Promise<void>;
}

export interface QueueStageDeps {
  readonly steps: Pick<DeploySteps, "beginBuild">;
  readonly slots: BuildSlots;
  /** The longest wait of a deployment for a slot. */
  readonly queueMs: number;
}

/** The deployment that wants to build. */
export interface QueueOrder {
  readonly id: string;
  readonly workspaceId: string;
}

/** The signal that wakes the wait which `ticket` names. */
export function slotSignal(ticket: number): string {
  return `slot-offered-${ticket}`;
}

/** Runs `build` while the deployment holds a build slot, and gives the slot back however that ends. */
export async function inBuildSlot(
  durable: DurableWorkflow,
  deps: QueueStageDeps & { readonly compensations: Compensations },
  order: QueueOrder,
  build: () => Promise<StageResult>,
): Promise<StageResult> {
  const release = (): Promise<void> => deps.slots.release(durable, order.workspaceId, order.id);
  deps.compensations.addMessage(release);
  const begun = await takeSlot(durable, deps, order);
  const ended = begun.kind === "on" ? await build() : begun;
  await release();
  return ended;
}

/**
 * Asks until there is a slot. Being woken proves nothing: a build that is woken asks again, and all that counts is that the slot
 * is still held in the transaction that begins the build.
 */
async function takeSlot(
  durable: DurableWorkflow,
  { steps, slots, queueMs }: QueueStageDeps,
  { id, workspaceId }: QueueOrder,
): Promise<StageResult> {
  const giveUpAtMs = await durable.now() + queueMs;
  for (let ticket = 1;; ticket++) {
    const answer = await slots.acquire(durable, workspaceId, { deploymentId: id, ticket });
    switch (answer.kind) {
      case "granted": {
        const begun = await durable.run(`begin build, ticket ${ticket}`, () => steps.beginBuild(id));
        if (begun.kind === "advanced") return ON;
        if (begun.kind === "ended") return begun;
        break;
      }
      case "waiting": {
        const leftMs = giveUpAtMs - await durable.now();
        if (leftMs <= 0) return { kind: "failed", failure: waitedTooLong(queueMs) };
        const signal = await durable.waitFor(
          [CANCEL, slotSignal(ticket)],
          Math.min(answer.recheckMs, leftMs),
        );
        if (signal === CANCEL) return CANCELLED;
        break;
      }
      case "full":
        return { kind: "failed", failure: QUEUE_FULL };
      case "cancelled":
      case "ended":
        return answer;
    }
  }
}

function waitedTooLong(queueMs: number): Failure {
  return {
    code: "queue_timeout",
    message:
      `No build slot became free within ${
        Math.round(queueMs / 60_000)
      } minutes. Cancel builds that are not ` +
      "needed, then deploy again.",
  };
}

const QUEUE_FULL: Failure = {
  code: "queue_full",
  message: "Too many builds of the workspace wait already. Cancel some of them, or wait, then deploy again.",
};
