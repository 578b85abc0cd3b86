/** A deploy whose traffic moves in steps: its first share, in the transaction that makes it ready. */
import { newId } from "../../../../pkg/uid/mod.ts";
import { endGradual, orderedSteps, startGradual } from "../../internal/gradual/mod.ts";
import {
  countRunningInstances,
  type DeploymentsTable,
  dropGradualOrder,
  type EnvironmentsTable,
  findGradualOrder,
  findRunningGradual,
  type GradualOrdersTable,
  listRoutesOfEnvironment,
  LIVE_STICKIES,
  type Tx,
} from "../../internal/store/mod.ts";
import type { RoutingDeps } from "./types.ts";

/** The way in which a deployment gets its environment's traffic. */
export type TrafficOrder =
  | { readonly kind: "at_once"; readonly notice?: string }
  | { readonly kind: "in_steps"; readonly notice: string; readonly order: GradualOrdersTable };

/** Takes the order of a deploy. Without requests to share, or a version to compare with, it is void, with a notice. */
export async function takeTrafficOrder(
  tx: Tx,
  deploymentId: string,
  environment: EnvironmentsTable,
): Promise<TrafficOrder> {
  const order = await findGradualOrder(tx, deploymentId);
  if (order === undefined) return { kind: "at_once" };
  await dropGradualOrder(tx, deploymentId);
  const obstacle = await obstacleOf(tx, environment);
  if (obstacle === undefined) {
    const shares = [...orderedSteps(order).steps, 100].map((percent) => `${percent} %`).join(", ");
    const notice = `The requests of "${environment.slug}" move in steps: ${shares}. ` +
      `"unkey promote ${deploymentId} --abort" gives them back.`;
    return { kind: "in_steps", notice, order };
  }
  return { kind: "at_once", notice: `${obstacle}, so the requests do not move in steps.` };
}

async function obstacleOf(
  tx: Tx,
  { id, slug, live_deployment_id: live }: EnvironmentsTable,
): Promise<string | undefined> {
  if (live === null) return `Nothing is live in "${slug}" yet`;
  if (await countRunningInstances(tx, live) === 0) {
    return `No instance of the live deployment ${live} runs`;
  }
  const routes = await listRoutesOfEnvironment(tx, id, LIVE_STICKIES);
  return routes.length === 0 ? `No host name leads to "${slug}"` : undefined;
}

/**
 * Begins its gradual switch, in the place of one that runs. The api's sweeper begins the looks at it: a command here would be one more
 * in the journal of an assignment, which workers of two releases share.
 */
export async function beginInSteps(
  tx: Tx,
  deps: RoutingDeps,
  { order, environment, target, nowMs }: {
    readonly order: GradualOrdersTable;
    readonly environment: EnvironmentsTable;
    readonly target: DeploymentsTable;
    readonly nowMs: number;
  },
): Promise<void> {
  const { steps, everyMs, sticky, actor } = orderedSteps(order);
  const edgesSinceMs = nowMs - deps.edgeTimeoutMs;
  const running = await findRunningGradual(tx, environment.id);
  if (running !== undefined) {
    await endGradual(tx, running, {
      state: "replaced",
      reason: `The gradual switch to ${target.id} begins.`,
      actor,
      nowMs,
      edgesSinceMs,
    });
  }
  const whole = {
    environmentId: environment.id,
    targetDeploymentId: target.id,
    steps,
    ...(everyMs === undefined ? {} : { everyMs }),
    sticky,
    actor,
  };
  const id = newId("gradualSwitch", nowMs);
  await startGradual(tx, { id, order: whole, environment, target, nowMs, lookedAtMs: 0, edgesSinceMs });
}
