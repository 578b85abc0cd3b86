/**
 * Numbers about the platform itself, in Prometheus' text format.
 *
 * ```ts
 * const POLLS = counter("unkey_feed_polls_total", "Polls of the feed.", ["code"]);
 * const registry = await openMetrics({ clock, log });
 * const metrics = registry.part("api");        // an argument of what counts
 * metrics.counter(POLLS).add({ code: "ok" });
 * await registry.render();
 * ```
 *
 * Each metric is declared once, as a value, and `docs/operate/metrics.md` is generated from the declarations. All parts of a
 * process share a registry; the label `part` tells them apart. A label has few values: a metric takes `SERIES_MAX` of them
 * and counts the rest as refused. `NO_METRICS` is for processes whose metrics are off: they load no library.
 *
 * @module
 */
export {
  CALL_SECONDS,
  type Counter,
  counter,
  type CounterSpec,
  type Gauge,
  gauge,
  type GaugeSpec,
  type Histogram,
  histogram,
  type HistogramSpec,
  type Labels,
  type Metrics,
  type MetricSpec,
  WORK_SECONDS,
} from "./types.ts";
export { NO_METRICS } from "./none.ts";
export { type MetricsRegistry, openMetrics, type RegistryOptions, SCRAPE_METRICS } from "./registry.ts";
export { SERIES_MAX } from "./instruments.ts";
export { PROCESS_METRICS, type ProcessReader } from "./process.ts";
export { countLines, LOG_METRICS } from "./log_lines.ts";
export { codeOf, LOOP_METRICS, loopMeters, type Meter, meterOf, NO_METER } from "./meter.ts";
