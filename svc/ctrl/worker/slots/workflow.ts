/** The order of giving out slots. Each handler has its workspace's queue to itself. */
import { type DurableObject, target } from "../../../../pkg/durable/mod.ts";
import { DeploymentService } from "../deploy/contract.ts";
import type { AcquireAnswer, AcquireRequest, ReleaseRequest } from "./contract.ts";
import type { Offer, SlotSteps } from "./types.ts";

/** Gives the deployment a slot, or its place in the queue. */
export async function acquire(
  durable: DurableObject,
  steps: SlotSteps,
  request: AcquireRequest,
): Promise<AcquireAnswer> {
  const { answer, offers } = await durable.run("take or queue", () => steps.acquire(durable.key, request));
  await wake(durable, offers);
  return answer;
}

/** Takes the deployment out, and offers what it held to the next. */
export async function release(
  durable: DurableObject,
  steps: SlotSteps,
  { deploymentId }: ReleaseRequest,
): Promise<void> {
  const { offers } = await durable.run("release", () => steps.release(durable.key, deploymentId));
  await wake(durable, offers);
}

/** An offer is repeated until it is taken, so that a lost message is made good by the next request or release. */
async function wake(durable: DurableObject, offers: readonly Offer[]): Promise<void> {
  for (const { deploymentId, ticket } of offers) {
    await durable.send(target(DeploymentService, "slotOffered", deploymentId), { ticket });
  }
}
