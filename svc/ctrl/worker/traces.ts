/** The way of traces to the collector that the settings name. */
import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { Meter, Metrics } from "../../../pkg/metrics/mod.ts";
import { openCollector, openSampler, parsePairs } from "../../../pkg/otlp/mod.ts";
import type { CtrlDatabase } from "../internal/store/mod.ts";
import { type OtelConfig, tracesUrl } from "./config/otel.ts";
import { TraceExporter } from "./tasks/trace_export.ts";

export interface TraceExportParts {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly meter: Meter;
  readonly fetch: typeof fetch;
}

/** `undefined` when the settings name no collector. */
export async function openTraceExport(
  config: OtelConfig,
  { fetch, ...parts }: TraceExportParts,
): Promise<TraceExporter | undefined> {
  const url = tracesUrl(config);
  if (url === undefined) return undefined;
  const collector = await openCollector({
    url,
    headers: parsePairs(config.otlpHeaders?.reveal() ?? "") ?? {},
    format: config.otlpProtocol === "http/json" ? "http/json" : "http/protobuf",
    resource: { ...config.otelResourceAttributes, "service.name": config.otelServiceName },
    timeoutMs: config.otlpTimeout,
    fetch,
  });
  const sampler = await openSampler(config.tracesSampler, config.tracesSamplerArg ?? 1);
  return new TraceExporter({ ...parts, collector, sampler });
}
