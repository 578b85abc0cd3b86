/** The proxies that come with a placement. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { type SentinelMaker, wantSentinel } from "../../internal/sentinels/mod.ts";
import {
  type CtrlDatabase,
  findDeployment,
  findEnvironment,
  type WantedSentinel,
} from "../../internal/store/mod.ts";

export type { SentinelMaker };

/** The sentinels that the deployment's environment should have, where they are switched on. */
export async function wantSentinels(
  { db, clock, regions, sentinels }: {
    readonly db: CtrlDatabase;
    readonly clock: Clock;
    readonly regions: readonly string[];
    readonly sentinels?: SentinelMaker | undefined;
  },
  deploymentId: string,
): Promise<WantedSentinel[]> {
  if (sentinels === undefined) return [];
  const deployment = await findDeployment(db.kysely, deploymentId);
  if (deployment === undefined) return [];
  const { workspace_id: workspaceId, project_id: projectId, environment_id: environmentId } = deployment;
  const environment = await findEnvironment(db.kysely, workspaceId, environmentId);
  if (environment === undefined) return [];
  const owner = { workspaceId, projectId, environmentId, environmentSlug: environment.slug };
  const wanted: WantedSentinel[] = [];
  // One after the other: the first may have to make the environment's data key.
  for (const region of regions) wanted.push(await wantSentinel(sentinels, { ...owner, region }, clock.now()));
  return wanted;
}
