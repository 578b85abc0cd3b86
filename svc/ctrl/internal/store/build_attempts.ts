/** Attempts at a build. */
import { lockRows } from "../../../../pkg/db/mod.ts";
import type { DeploymentStatus } from "../deployments/status.ts";
import type { Tx } from "./database.ts";
import { appendEvent } from "./deployment_events.ts";

/** One attempt. */
export interface BuildAttempt {
  /** Counts from 1. */
  readonly number: number;
  /** Names this attempt; no other has it. */
  readonly buildId: string;
  readonly status: DeploymentStatus;
}

/**
 * Counts an attempt at building a deployment; from the second on, a notice says so between the lines of the two.
 *
 * The count lives in the deployment's build id, `<deployment>.<number>`. `undefined`: there is no such deployment.
 */
export async function beginBuildAttempt(
  tx: Tx,
  deploymentId: string,
  nowMs: number,
): Promise<BuildAttempt | undefined> {
  const query = tx.selectFrom("deployments").select(["status", "build_id"]).where("id", "=", deploymentId);
  const row = await lockRows(tx, query).executeTakeFirst();
  if (row === undefined) return undefined;
  const number = Number(/\.(\d+)$/.exec(row.build_id ?? "")?.[1] ?? 0) + 1;
  const buildId = `${deploymentId}.${number}`;
  if (row.status !== "building") return { number, buildId, status: row.status };
  await tx.updateTable("deployments").set({ build_id: buildId, updated_at: nowMs })
    .where("id", "=", deploymentId).execute();
  if (number > 1) {
    const message = "The build was interrupted and has been started again.";
    await appendEvent(tx, deploymentId, "notice", { message }, nowMs);
  }
  return { number, buildId, status: row.status };
}
