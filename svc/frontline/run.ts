import { networkMatcher } from "../../pkg/networks/mod.ts";
import { newId } from "../../pkg/uid/mod.ts";
import { type FrontlineConfig } from "./config.ts";
import { type EdgeProcess, serveEdge } from "./internal/serve.ts";

export { inheritedSockets } from "./inherited.ts";

/** The process that an edge runs in. */
export type FrontlineProcess = EdgeProcess;

/**
 * Serves the apps of all environments until `process.signal` aborts.
 *
 * @throws `failed_precondition` when a port is taken
 */
export async function runFrontline(config: FrontlineConfig, process: FrontlineProcess): Promise<void> {
  await serveEdge(
    {
      id: config.frontlineId ?? newId("agent", process.clock.now()),
      port: config.httpPort,
      token: config.controlPlaneBearer,
      namedDeployments: false,
      acknowledges: true,
      stopDelayMs: config.stopDelayMs,
      https: config,
      fromBalancer: networkMatcher(config.proxyProtocolFrom),
      apiHost: config.apiHost?.toLowerCase(),
      ordersCertificates: config.certificatesOnDemand,
    },
    config,
    process,
  );
}
