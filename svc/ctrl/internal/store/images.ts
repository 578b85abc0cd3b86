/** Images that the platform keeps itself: the deployments that name them, and the end of an image. */
import { lockRows } from "../../../../pkg/db/mod.ts";
import { type ImageUse, needsImage } from "../deployments/images.ts";
import type { DeploymentStatus } from "../deployments/status.ts";
import { recordAudit } from "./audit.ts";
import type { Queryable, Tx } from "./database.ts";
import { appendEvent } from "./deployment_events.ts";

const IMAGES_PER_QUERY = 200;

/** The deployments that name one of these images, in whatever workspace. Index on the image. */
export async function listImageUses(db: Queryable, images: readonly string[]): Promise<readonly ImageUse[]> {
  const uses: ImageUse[] = [];
  for (let start = 0; start < images.length; start += IMAGES_PER_QUERY) {
    uses.push(...await usesOf(db, images.slice(start, start + IMAGES_PER_QUERY)));
  }
  return uses;
}

async function usesOf(db: Queryable, images: readonly string[]): Promise<readonly ImageUse[]> {
  const rows = await db.selectFrom("deployments")
    .innerJoin("environments", "environments.id", "deployments.environment_id")
    .leftJoin("deployment_starts", "deployment_starts.deployment_id", "deployments.id")
    .select([
      "deployments.id",
      "deployments.workspace_id",
      "deployments.project_id",
      "deployments.environment_id",
      "deployments.sequence",
      "deployments.image",
      "deployments.status",
      "deployments.image_removed_at",
      "environments.live_deployment_id",
      "environments.deleted_at",
      "deployment_starts.start_id",
    ])
    .select((eb) =>
      eb.selectFrom("live_history").select("live_history.previous_deployment_id")
        .whereRef("live_history.environment_id", "=", "environments.id")
        .whereRef("live_history.deployment_id", "=", "environments.live_deployment_id")
        .orderBy("live_history.sequence", "desc").limit(1).as("previous_live")
    )
    .where("deployments.image", "in", [...images]).execute();
  return rows.map((row) => ({
    id: row.id,
    workspaceId: row.workspace_id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    sequence: row.sequence,
    image: row.image ?? "",
    status: row.status,
    imageRemoved: row.image_removed_at !== null,
    live: row.live_deployment_id === row.id,
    previousLive: row.previous_live === row.id,
    startUnderWay: row.start_id !== null,
    environmentDeleted: row.deleted_at !== 0,
  }));
}

/** The statuses of those of `ids` that exist, by primary key. */
export async function listStatuses(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, DeploymentStatus>> {
  const found = new Map<string, DeploymentStatus>();
  for (let start = 0; start < ids.length; start += IMAGES_PER_QUERY) {
    const rows = await db.selectFrom("deployments").select(["id", "status"])
      .where("id", "in", ids.slice(start, start + IMAGES_PER_QUERY)).execute();
    for (const { id, status } of rows) found.set(id, status);
  }
  return found;
}

/** The end of an image. */
export interface ReleasedImage {
  readonly image: string;
  /** The reason, in the history of each deployment. */
  readonly notice: string;
  readonly nowMs: number;
}

/**
 * Marks all deployments that name the image as no longer startable, unless one of them is needed by now, and returns their
 * ids. A start or redeploy of one of them at the same moment waits for its row, and then finds the mark; or the other way
 * round.
 */
export async function releaseImage(
  tx: Tx,
  { image, notice, nowMs }: ReleasedImage,
): Promise<readonly string[]> {
  const query = tx.selectFrom("deployments").select("id").where("image", "=", image)
    .where("image_removed_at", "is", null).orderBy("id");
  const locked = new Set((await lockRows(tx, query).execute()).map(({ id }) => id));
  // Deployments that were created during the wait for the rows are not among the locked ones.
  const uses = (await usesOf(tx, [image])).filter((use) => !use.imageRemoved);
  if (uses.some((use) => needsImage(use) || !locked.has(use.id))) return [];
  for (const { id, workspaceId, projectId, environmentId } of uses) {
    await tx.updateTable("deployments").set({ image_removed_at: nowMs, updated_at: nowMs })
      .where("id", "=", id).execute();
    await recordAudit(tx, {
      workspaceId,
      actor: { kind: "system", name: "retention" },
      action: "deployment.remove_image",
      resource: { type: "deployment", id },
      projectId,
      environmentId,
      nowMs,
    });
    await appendEvent(tx, id, "notice", { message: notice }, nowMs);
  }
  return uses.map(({ id }) => id);
}
