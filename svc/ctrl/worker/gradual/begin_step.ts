/** The first step of a gradual switch: its row, and the routes with the share, in one transaction. */
import { publicFault } from "../../../../pkg/fault/mod.ts";
import { promoteRefusal, type Refusal, servingRefusal } from "../../internal/deployments/gates.ts";
import { startGradual } from "../../internal/gradual/mod.ts";
import {
  countRunningInstances,
  type DeploymentsTable,
  type EnvironmentsTable,
  findGradualSwitch,
  findRunningGradual,
  listRoutesOfEnvironment,
  LIVE_STICKIES,
  lockDeployment,
  lockEnvironment,
  type Tx,
} from "../../internal/store/mod.ts";
import type { GradualOrder } from "../../internal/workflows/messages.ts";
import type { GradualDeps } from "./types.ts";

interface Beginning {
  readonly id: string;
  readonly order: GradualOrder;
  readonly nowMs: number;
}

/** @throws `not_found`, or a refusal, both with a public text */
export async function beginInTransaction(
  tx: Tx,
  deps: GradualDeps,
  { id, order, nowMs }: Beginning,
): Promise<void> {
  const { environmentId, targetDeploymentId } = order;
  const environment = await lockEnvironment(tx, environmentId);
  if (environment === undefined) throw publicFault("not_found", `There is no environment ${environmentId}.`);
  const target = await lockDeployment(tx, targetDeploymentId);
  if (target === undefined) throw publicFault("not_found", `There is no deployment ${targetDeploymentId}.`);
  // An earlier run of this very step committed and was not recorded.
  if (await findGradualSwitch(tx, id) !== undefined) return;
  const refusal = await refusalOf(tx, environment, target);
  if (refusal !== undefined) throw publicFault(refusal.code, refusal.message);
  const { edgeTimeoutMs } = deps;
  const begin = {
    id,
    order,
    environment,
    target,
    nowMs,
    lookedAtMs: nowMs,
    edgesSinceMs: nowMs - edgeTimeoutMs,
  };
  await startGradual(tx, begin);
}

async function refusalOf(
  tx: Tx,
  environment: EnvironmentsTable,
  target: DeploymentsTable,
): Promise<Refusal | undefined> {
  const { id: environmentId, slug, live_deployment_id: live } = environment;
  const no = (message: string): Refusal => ({ code: "failed_precondition", message });
  const next = await gated(tx, target);
  const refusal = promoteRefusal(next, {
    id: environmentId,
    slug,
    liveDeploymentId: live ?? undefined,
    rolledBack: false,
  }) ?? servingRefusal(next);
  if (refusal !== undefined || live === null) return refusal;
  const running = await findRunningGradual(tx, environmentId);
  if (running !== undefined) {
    return no(
      `A gradual switch to ${running.deployment_id} runs in "${slug}" already: ` +
        `"unkey promote ${running.deployment_id} --abort" ends it.`,
    );
  }
  if ((await listRoutesOfEnvironment(tx, environmentId, LIVE_STICKIES)).length === 0) {
    return no(`No host name leads to "${slug}", so there are no requests to share: promote it at once.`);
  }
  if (await countRunningInstances(tx, live) > 0) return undefined;
  return no(
    `No instance of the live deployment ${live} runs, so there is nothing to compare with: promote it at once.`,
  );
}

async function gated(tx: Tx, row: DeploymentsTable) {
  return {
    id: row.id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    status: row.status,
    runningInstances: await countRunningInstances(tx, row.id),
    imageRemoved: row.image_removed_at !== null,
    gitCommitSha: row.git_commit_sha,
  };
}
