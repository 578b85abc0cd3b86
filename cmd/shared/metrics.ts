/** Shared by the commands that run a service: its metrics, and the port where they are read. */
import type { Clock } from "../../pkg/clock/mod.ts";
import type { Logger } from "../../pkg/logger/mod.ts";
import { type Metrics, type MetricsRegistry, NO_METRICS, openMetrics } from "../../pkg/metrics/mod.ts";
import { serveMetrics } from "../../pkg/metrics_server/mod.ts";

/** Port and readers of the metrics of a process. */
export interface MetricsPlace {
  readonly host: string;
  /** 0: there is no port of metrics. */
  readonly port: number;
  /** Addresses or networks that may read them. */
  readonly from: readonly string[];
  /** The process answers scrapes on a port of its own, too. */
  readonly onOwnPort?: boolean;
}

/** The metrics of a process until it is disposed of. */
export interface OpenedMetrics extends AsyncDisposable {
  /** The metrics of one part; they count nothing where metrics are off. */
  part(name: string): Metrics;
  /** Absent where metrics are off. */
  readonly registry: MetricsRegistry | undefined;
}

/**
 * Opens a registry and its port, when one of the two is wanted. The port answers while the parts start and stop.
 *
 * @throws `failed_precondition` when the port is taken or not allowed
 */
export async function openProcessMetrics(
  { host, port, from, onOwnPort = false }: MetricsPlace,
  deps: { readonly clock: Clock; readonly log: Logger },
): Promise<OpenedMetrics> {
  if (port === 0 && !onOwnPort) {
    return { part: () => NO_METRICS, registry: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const registry = await openMetrics(deps);
  const server = port === 0 ? undefined : await serveMetrics(registry, { ...deps, host, port, from });
  if (server !== undefined) deps.log.info("metrics are served", { port: server.port });
  return {
    part: (name) => registry.part(name),
    registry,
    async [Symbol.asyncDispose]() {
      await server?.close();
      registry.close();
    },
  };
}
