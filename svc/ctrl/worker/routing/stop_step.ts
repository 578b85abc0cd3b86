/** Stopping a deployment that serves nothing any more. */
import { moveStatus, stopTopology, type Tx } from "../../internal/store/mod.ts";
import { isServing, lockDeployment, lockEnvironment } from "../../internal/store/worker_routing.ts";
import type { StopOutcome } from "./contract.ts";

/** What became of it, and whose feeds changed. */
export interface StopStep {
  readonly outcome: Exclude<StopOutcome, { kind: "obsolete" }>;
  readonly regions: readonly string[];
}

/** Looks and stops in one transaction: traffic that came back in between is seen. */
export async function stopInTransaction(
  tx: Tx,
  order: { readonly environmentId: string; readonly deploymentId: string; readonly nowMs: number },
): Promise<StopStep> {
  const { environmentId, deploymentId, nowMs } = order;
  await lockEnvironment(tx, environmentId);
  const deployment = await lockDeployment(tx, deploymentId);
  if (deployment?.status === "stopped") return { outcome: { kind: "stopped" }, regions: [] };
  if (deployment?.status !== "ready") return { outcome: { kind: "not_ready" }, regions: [] };
  if (await isServing(tx, deploymentId)) return { outcome: { kind: "serving" }, regions: [] };
  await moveStatus(tx, { id: deploymentId, from: ["ready"], to: "stopped", nowMs });
  const stopped = await stopTopology(tx, { deploymentId, nowMs });
  return { outcome: { kind: "stopped" }, regions: stopped.map((each) => each.region) };
}
