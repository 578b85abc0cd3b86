/** Writes of scaling that are shown, for tests of views. */
import assert from "node:assert/strict";
import { changeScale, listScaled, putToSleep, scalePlacements, type Tx } from "../mod.ts";

interface Place {
  readonly deploymentId: string;
  readonly workspaceId: string;
  readonly nowMs: number;
}

/** Lets the number of instances in the region follow the load. */
export async function scaleIn(tx: Tx, { deploymentId, workspaceId }: Place, region: string): Promise<void> {
  const settings = { max: 5, concurrency: 10 };
  const scaled = { deploymentId, workspaceId, environmentId: "e", settings, isOwn: true };
  await scalePlacements(tx, scaled, [region]);
}

/** One instance more than two. */
export async function follow(tx: Tx, place: Place, region: string): Promise<void> {
  const [scaled] = await listScaled(tx, [place.deploymentId]);
  const { settings = "" } = scaled ?? {};
  const change = { ...place, region, from: 2, to: 3, settings, direction: "up", reason: "more" };
  assert.ok(await changeScale(tx, change));
}

/** Lets a deployment, as one that is ready, sleep. */
export async function fallAsleep(
  tx: Tx,
  { deploymentId, workspaceId, nowMs }: Place,
): Promise<void> {
  await tx.updateTable("deployments").set({ status: "ready" }).where("id", "=", deploymentId).execute();
  await tx.insertInto("deployment_sleeps").values({
    deployment_id: deploymentId,
    workspace_id: workspaceId,
    environment_id: "e",
    after_seconds: 60,
    is_own: 0,
    asleep_at: null,
    woken_at: null,
  }).execute();
  await putToSleep(tx, { deploymentId, nowMs, message: "No request." });
}
