import { CALL_SECONDS, counter, gauge, histogram, type Metrics } from "../../../pkg/metrics/mod.ts";
import type { FailureKind } from "../../../pkg/proxy/mod.ts";

/** Numbers of an edge. None of them has a label with the name of an app: there are too many. */
export const FRONTLINE_METRICS = {
  responses: counter(
    "unkey_frontline_responses_total",
    "Responses by status; 499 are clients that went away.",
    ["status"],
  ),
  seconds: histogram(
    "unkey_frontline_response_seconds",
    "Time from the head of a request to the head of its app's response, of each eighth request.",
    CALL_SECONDS,
  ),
  failures: counter(
    "unkey_frontline_failures_total",
    "Requests that the edge answered itself, since no app could, or since a limit was met.",
    ["kind"],
  ),
  dials: counter("unkey_frontline_dials_total", "Connections to instances that were tried.", ["result"]),
  connections: gauge("unkey_frontline_connections", "Client connections."),
  routes: gauge("unkey_frontline_routes", "Host names with a route."),
  version: gauge("unkey_frontline_routes_version", "Version up to which the routes are complete."),
  certificates: gauge("unkey_frontline_certificates", "Certificates that the edge has."),
  certificateEnd: gauge(
    "unkey_frontline_certificate_first_end_timestamp_seconds",
    "End of the certificate that ends first, in seconds since 1970; absent without any.",
  ),
  ready: gauge("unkey_frontline_ready", "1 while the edge has routes and is not about to stop."),
};

/** The library takes a microsecond for a value, which is 3 % of the processor time of a request. */
const RESPONSES_PER_SAMPLE = 8;

/** Counts of requests, in plain fields. They become metrics before each scrape, so that metrics cost a request nothing. */
export class EdgeCounts {
  /** Responses by status since the start; 499: the client closed the connection. */
  readonly responses = new Map<number, number>();
  readonly failures = new Map<FailureKind, number>();
  readonly dials = { ok: 0, failed: 0 };
  /** Takes the time of each response, in milliseconds, where it is measured. */
  responded: ((waitedMs: number) => void) | undefined;

  response(status: number): void {
    this.responses.set(status, (this.responses.get(status) ?? 0) + 1);
  }

  failure(kind: FailureKind): void {
    this.failures.set(kind, (this.failures.get(kind) ?? 0) + 1);
  }
}

/** The parts of an edge that are shown. */
export interface ShownEdge {
  readonly counts: EdgeCounts;
  readonly proxy: { readonly connections: number };
  readonly table: { readonly size: number };
  readonly certificates: { readonly size: number; firstEndAtMs(): number | undefined };
  readonly ready: boolean;
  readonly stopping: boolean;
}

/** Shows an edge in `metrics`. */
export function watchEdge(
  metrics: Metrics,
  { edge, version }: { readonly edge: ShownEdge; readonly version: () => number },
): void {
  const seconds = metrics.histogram(FRONTLINE_METRICS.seconds);
  let responses = 0;
  edge.counts.responded = (waitedMs) => {
    if (responses++ % RESPONSES_PER_SAMPLE === 0) seconds.observe({}, waitedMs / 1_000);
  };
  const gauges = {
    connections: metrics.gauge(FRONTLINE_METRICS.connections),
    routes: metrics.gauge(FRONTLINE_METRICS.routes),
    version: metrics.gauge(FRONTLINE_METRICS.version),
    certificates: metrics.gauge(FRONTLINE_METRICS.certificates),
    certificateEnd: metrics.gauge(FRONTLINE_METRICS.certificateEnd),
    ready: metrics.gauge(FRONTLINE_METRICS.ready),
  };
  const readCounts = countsReader(metrics, edge.counts);
  metrics.onScrape("edge", () => {
    readCounts();
    gauges.connections.set({}, edge.proxy.connections);
    gauges.routes.set({}, edge.table.size);
    gauges.version.set({}, version());
    gauges.certificates.set({}, edge.certificates.size);
    gauges.ready.set({}, edge.ready && !edge.stopping ? 1 : 0);
    const end = edge.certificates.firstEndAtMs();
    gauges.certificateEnd.replace(end === undefined ? [] : [{ labels: {}, value: end / 1_000 }]);
  });
}

/** Adds what has been counted since it was called last. */
function countsReader(metrics: Metrics, counts: EdgeCounts): () => void {
  const responses = metrics.counter(FRONTLINE_METRICS.responses);
  const failures = metrics.counter(FRONTLINE_METRICS.failures);
  const dials = metrics.counter(FRONTLINE_METRICS.dials);
  const shown = new Map<string, number>();
  const grown = (key: string, count: number): number => {
    const by = count - (shown.get(key) ?? 0);
    shown.set(key, count);
    return by;
  };
  return () => {
    for (const [status, count] of counts.responses) {
      responses.add({ status: String(status) }, grown(`response ${status}`, count));
    }
    for (const [kind, count] of counts.failures) failures.add({ kind }, grown(`failure ${kind}`, count));
    for (const result of ["ok", "failed"] as const) {
      dials.add({ result }, grown(`dial ${result}`, counts.dials[result]));
    }
  };
}
