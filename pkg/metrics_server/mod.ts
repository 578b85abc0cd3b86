/**
 * The port that a metrics scraper reads, beside the ports of a service.
 *
 * ```ts
 * const server = await serveMetrics(registry, { host, port, from, portSetting, clock, log });
 * await server.close();
 * ```
 *
 * Metrics show the traffic of a platform, so no public port has them. Requests from addresses that the setting does not
 * name are answered like any unknown path.
 *
 * @module
 */
import type { Clock } from "../clock/mod.ts";
import { field, fieldName, networksSchema, portSchema } from "../config/mod.ts";
import { describeError } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import type { MetricsRegistry } from "../metrics/mod.ts";
import { networkMatcher } from "../networks/mod.ts";
import { clientAddress, type HttpRoute, serveRpc } from "../rpc/mod.ts";

const PRIVATE = [
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "::1",
  "fc00::/7",
];

/** The addresses whose requests are answered. */
export const METRICS_FROM_FIELD = field({
  flag: "metrics-from",
  env: "UNKEY_METRICS_FROM",
  help: "Addresses or networks that may read /metrics. Default: loopback and private networks.",
  placeholder: "<ip[/bits],...>",
  schema: networksSchema(PRIVATE),
});

/** The port of scrapes. */
export const PROMETHEUS_PORT_FIELD = field({
  flag: "prometheus-port",
  env: "UNKEY_PROMETHEUS_PORT",
  help: "Port of /metrics for Prometheus. 0: metrics are off.",
  placeholder: "<port>",
  schema: portSchema(0),
});

export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly from: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** A port that answers scrapes. */
export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** The path of scrapes, for readers at one of the addresses or networks `from`. */
export function metricsRoute(
  registry: Pick<MetricsRegistry, "render" | "contentType">,
  from: readonly string[],
): HttpRoute {
  const mayRead = networkMatcher(from);
  return async ({ url, headers }) => {
    // For others there is nothing here.
    if (new URL(url).pathname !== "/metrics" || !mayRead(clientAddress(headers))) return undefined;
    return new Response(await registry.render(), { headers: { "content-type": registry.contentType } });
  };
}

/**
 * Answers scrapes until it is closed.
 *
 * @throws `failed_precondition` when the port is taken or not allowed
 */
export async function serveMetrics(
  registry: Pick<MetricsRegistry, "render" | "contentType">,
  { host, port, from, clock, log }: MetricsServerOptions,
): Promise<MetricsServer> {
  const server = await serveRpc({
    hostname: host,
    port,
    portSetting: fieldName(PROMETHEUS_PORT_FIELD),
    clock,
    log,
    mount: () => undefined,
    routes: [metricsRoute(registry, from)],
  });
  const stop = new AbortController();
  const running = server.run(stop.signal).catch((error: unknown) => {
    // The service goes on: its users do not depend on its numbers.
    log.error("the port of metrics is dead", { port: server.port, error: describeError(error) });
  });
  return {
    port: server.port,
    async close() {
      stop.abort();
      await server.shutdown();
      await running;
    },
  };
}
