/** A newer build takes the place of older ones that have not begun. */
import { recordAudit } from "./audit.ts";
import type { Tx } from "./database.ts";
import { moveStatus } from "./deployment_status.ts";
import { lockDeployment } from "./deployments.ts";
import type { DeploymentsTable } from "./schema.ts";
import { endStep } from "./steps.ts";

/**
 * Ends the older builds of the same environment and branch that still wait, and returns their ids. Branches are the same
 * when their names are, the empty name included. What has an image has nothing to build: it neither takes the place of
 * others nor loses its own.
 */
export async function supersedeOlderBuilds(
  tx: Tx,
  newer: DeploymentsTable,
  nowMs: number,
): Promise<readonly string[]> {
  if (newer.image !== null) return [];
  // The index on the status serves it: few deployments wait at any time.
  const older = await tx.selectFrom("deployments").select("id")
    .where("status", "in", ["pending", "queued"])
    .where("environment_id", "=", newer.environment_id).where("git_branch", "=", newer.git_branch)
    .where("sequence", "<", newer.sequence).where("image", "is", null)
    .orderBy("id").execute();
  const message = `A newer deployment of the same environment and branch took its place: ${newer.id}.`;
  const superseded: string[] = [];
  for (const { id } of older) {
    const status = (await lockDeployment(tx, id))?.status;
    if (status !== "pending" && status !== "queued") continue;
    await endStep(tx, { deploymentId: id, name: "queued", status: "failed", errorMessage: message, nowMs });
    await moveStatus(tx, { id, from: [status], to: "superseded", nowMs, failure: { message } });
    await recordAudit(tx, {
      workspaceId: newer.workspace_id,
      actor: { kind: "system", name: "queue" },
      action: "deployment.supersede",
      resource: { type: "deployment", id },
      projectId: newer.project_id,
      environmentId: newer.environment_id,
      facts: { by: newer.id },
      nowMs,
    });
    superseded.push(id);
  }
  return superseded;
}
