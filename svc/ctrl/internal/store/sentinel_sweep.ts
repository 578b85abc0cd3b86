/** Queries of the sweep over all sentinels. */
import { PRODUCTION_SLUG } from "../deployments/domains.ts";
import type { Queryable } from "./database.ts";
import type { SentinelsTable } from "./schema.ts";
import type { SentinelShape } from "./sentinels.ts";

/** A region in which an environment has something that should run. */
export interface Placement {
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly environmentSlug: string;
  readonly region: string;
}

/**
 * Where something should run and the sentinel is missing, archived, or not as `shapes` want it. A scan of all placements
 * that should run, for a task that looks now and then.
 */
export async function listPlacementsWithoutSentinel(
  db: Queryable,
  { shapes, limit }: {
    readonly shapes: { readonly production: SentinelShape; readonly other: SentinelShape };
    readonly limit: number;
  },
): Promise<Placement[]> {
  const rows = await db.selectFrom("deployment_topology as placed")
    .innerJoin("deployments", "deployments.id", "placed.deployment_id")
    .innerJoin("environments", "environments.id", "deployments.environment_id")
    .leftJoin("sentinels", (join) =>
      join.onRef("sentinels.environment_id", "=", "environments.id")
        .onRef("sentinels.region", "=", "placed.region"))
    .select([
      "environments.workspace_id",
      "environments.project_id",
      "environments.id",
      "environments.slug",
      "placed.region",
    ])
    .distinct()
    .where("placed.desired_status", "=", "started")
    .where((eb) => {
      const differs = (slug: "=" | "!=", shape: SentinelShape) =>
        eb.and([
          eb("environments.slug", slug, PRODUCTION_SLUG),
          eb.or([
            eb("sentinels.image", "!=", shape.image),
            eb("sentinels.desired_replicas", "!=", shape.replicas),
            eb("sentinels.cpu_millicores", "!=", shape.cpuMillicores),
            eb("sentinels.memory_mib", "!=", shape.memoryMib),
          ]),
        ]);
      return eb.or([
        eb("sentinels.id", "is", null),
        eb("sentinels.desired_state", "!=", "running"),
        differs("=", shapes.production),
        differs("!=", shapes.other),
      ]);
    })
    .orderBy("environments.id").orderBy("placed.region").limit(limit).execute();
  return rows.map((row) => ({
    workspaceId: row.workspace_id,
    projectId: row.project_id,
    environmentId: row.id,
    environmentSlug: row.slug,
    region: row.region,
  }));
}

/** Sentinels that should run although nothing of their environment should in their region. */
export async function listIdleSentinels(
  db: Queryable,
  limit: number,
): Promise<Pick<SentinelsTable, "id" | "environment_id" | "region">[]> {
  return await db.selectFrom("sentinels").select([
    "sentinels.id",
    "sentinels.environment_id",
    "sentinels.region",
  ])
    .where("desired_state", "=", "running")
    .where(({ not, exists, selectFrom }) =>
      not(exists(
        selectFrom("deployments")
          .innerJoin("deployment_topology", "deployment_topology.deployment_id", "deployments.id")
          .select("deployments.id")
          .whereRef("deployments.environment_id", "=", "sentinels.environment_id")
          .whereRef("deployment_topology.region", "=", "sentinels.region")
          .where("deployment_topology.desired_status", "=", "started"),
      ))
    )
    .orderBy("sentinels.id").limit(limit).execute();
}

/** Sentinels that should run. */
export async function listRunningSentinels(
  db: Queryable,
  limit: number,
): Promise<Pick<SentinelsTable, "id" | "region">[]> {
  return await db.selectFrom("sentinels").select(["id", "region"])
    .where("desired_state", "=", "running").orderBy("id").limit(limit).execute();
}
