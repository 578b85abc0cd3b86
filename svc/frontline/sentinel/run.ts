import { newId } from "../../../pkg/uid/mod.ts";
import { type EdgeProcess, serveEdge } from "../internal/serve.ts";
import type { SentinelConfig } from "./config.ts";

/** The process that a sentinel runs in. */
export type SentinelProcess = EdgeProcess;

/**
 * Serves the apps of one environment until `process.signal` aborts: an edge whose token shows it no other environment. A
 * request can name one of the environment's deployments with the header `X-Deployment-Id`.
 *
 * @throws `failed_precondition` when a port is taken
 */
export async function runSentinel(config: SentinelConfig, process: SentinelProcess): Promise<void> {
  const { environmentId, sentinelId } = config;
  await serveEdge(
    {
      id: sentinelId ?? newId("sentinel", process.clock.now()),
      port: config.httpPort,
      token: config.controlPlaneBearer,
      namedDeployments: true,
      acknowledges: false,
      // The cluster stops its pods only after the endpoints have been updated.
      stopDelayMs: 0,
    },
    config,
    { ...process, log: process.log.with({ environment_id: environmentId }) },
  );
}
