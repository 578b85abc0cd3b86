/** Runs of a cron that have not ended when the next one is due. */
import {
  announcePlacement,
  type CronsTable,
  endRun,
  listOpenRunsOfCron,
  lockTopology,
  type StoredRun,
  type Tx,
} from "../store/mod.ts";

/** The oldest run of the cron that has not ended. */
export async function stillRunning(tx: Tx, cron: CronsTable): Promise<StoredRun | undefined> {
  return (await listOpenRunsOfCron(tx, cron))[0];
}

/** Ends all of them. The caller announces it when it has written all else, since the feed comes last. */
export async function endOpenRuns(
  tx: Tx,
  cron: CronsTable,
  nowMs: number,
): Promise<readonly StoredRun[]> {
  const ended: StoredRun[] = [];
  const message = `The next run of cron "${cron.name}" has replaced it.`;
  for (const run of await listOpenRunsOfCron(tx, cron)) {
    await lockTopology(tx, run.deployment_id);
    if (await endRun(tx, run, { reason: "cancelled", message, nowMs })) ended.push(run);
  }
  return ended;
}

/** Announces the ends to the agents, and returns the regions whose feeds have changed. */
export async function announceEnds(
  tx: Tx,
  ended: readonly StoredRun[],
  nowMs: number,
): Promise<readonly string[]> {
  const regions: string[] = [];
  for (const { deployment_id: deploymentId, region } of ended) {
    regions.push(...await announcePlacement(tx, { deploymentId, regions: [region], nowMs }));
  }
  return regions;
}
