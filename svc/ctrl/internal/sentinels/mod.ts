/**
 * Sentinels: the proxies that run beside the deployments of an environment, one per region, each with a credential of
 * its own that shows it its environment's routes and nothing else.
 *
 * ```ts
 * const sentinels = await wantSentinels(maker, { db, clock, deploymentId, regions });
 * await transact(db, (tx) => placeDeployment(tx, { ...placement, sentinels }));
 * ```
 *
 * @module
 */
export { wantSentinels } from "./of_deployment.ts";
export {
  revealToken,
  SENTINEL_TOKEN_PREFIX,
  type SentinelMaker,
  type SentinelOwner,
  type SentinelShapes,
  wantSentinel,
} from "./sentinel.ts";
