import type { Clock } from "../../../../pkg/clock/mod.ts";
import {
  type CtrlDatabase,
  findDeployment,
  findEnvironment,
  listTopology,
  type WantedSentinel,
} from "../store/mod.ts";
import { type SentinelMaker, wantSentinel } from "./sentinel.ts";

/**
 * The sentinels that the deployment's environment should have, in `regions` and in the regions where the deployment has run
 * before; none where they are switched off.
 */
export async function wantSentinels(
  sentinels: SentinelMaker | undefined,
  { db, clock, deploymentId, regions }: {
    readonly db: CtrlDatabase;
    readonly clock: Clock;
    readonly deploymentId: string;
    readonly regions: readonly string[];
  },
): Promise<WantedSentinel[]> {
  if (sentinels === undefined) return [];
  const deployment = await findDeployment(db.kysely, deploymentId);
  if (deployment === undefined) return [];
  const { workspace_id: workspaceId, project_id: projectId, environment_id: environmentId } = deployment;
  const environment = await findEnvironment(db.kysely, workspaceId, environmentId);
  if (environment === undefined) return [];
  const owner = { workspaceId, projectId, environmentId, environmentSlug: environment.slug };
  const former = (await listTopology(db.kysely, deploymentId)).map(({ region }) => region);
  const wanted: WantedSentinel[] = [];
  // In sequence: the first may have to create the environment's data key.
  for (const region of new Set([...regions, ...former])) {
    wanted.push(await wantSentinel(sentinels, { ...owner, region }, clock.now()));
  }
  return wanted;
}
