/** Images that the builds of a project made, found again by what decided them. */
import type { Queryable, Tx } from "./database.ts";
import { lockDeployment } from "./deployments.ts";

/** An image and the deployment whose build made it. */
export interface BuiltImage {
  readonly deploymentId: string;
  readonly image: string;
}

/** Remembers what decides the image of a deployment's build. */
export async function setBuildKey(db: Queryable, id: string, buildKey: string): Promise<void> {
  await db.updateTable("deployments").set({ build_key: buildKey }).where("id", "=", id).execute();
}

/**
 * The newest image of the project with this key that is kept and was built after a time. Index on project and key.
 *
 * An image that a region could not pull is left out: its registry may have the name and not the layers.
 */
export async function findBuiltImage(
  db: Queryable,
  options: { readonly projectId: string; readonly buildKey: string; readonly builtAfterMs: number },
): Promise<BuiltImage | undefined> {
  const row = await db.selectFrom("deployments").select(["id", "image"])
    .where("project_id", "=", options.projectId).where("build_key", "=", options.buildKey)
    .where("image_built_at", ">", options.builtAfterMs).where("image_removed_at", "is", null)
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("deployments as failed").select("failed.id")
          .whereRef("failed.project_id", "=", "deployments.project_id")
          .whereRef("failed.image", "=", "deployments.image")
          .where("failed.failure_code", "=", "image_unavailable"),
      ))
    )
    .orderBy("image_built_at", "desc").orderBy("id", "desc").limit(1).executeTakeFirst();
  return row === undefined || row.image === null ? undefined : { deploymentId: row.id, image: row.image };
}

/**
 * Gives a deployment the image of another one's build. False: the image is not kept any more.
 *
 * From then on the image is kept for both. `releaseImage` locks the same row, so that one of the two comes first.
 */
export async function useImageAgain(
  tx: Tx,
  { id, built, nowMs }: { readonly id: string; readonly built: BuiltImage; readonly nowMs: number },
): Promise<boolean> {
  const source = await lockDeployment(tx, built.deploymentId);
  if (source === undefined || source.image !== built.image || source.image_removed_at !== null) return false;
  await tx.updateTable("deployments")
    .set({ image: built.image, image_source_deployment_id: built.deploymentId, updated_at: nowMs })
    .where("id", "=", id).execute();
  return true;
}
