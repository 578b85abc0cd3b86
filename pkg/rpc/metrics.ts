import { CALL_SECONDS, counter, gauge, histogram, type Metrics } from "../metrics/mod.ts";

/** Numbers of a port that serves calls. */
export const RPC_METRICS = {
  calls: counter("unkey_rpc_calls_total", "Calls that were admitted, by the code of their end.", [
    "procedure",
    "code",
  ]),
  seconds: histogram("unkey_rpc_call_seconds", "Time of unary calls.", CALL_SECONDS, ["procedure"]),
  streams: gauge("unkey_rpc_streams", "Streams that are open, such as watches of agents and edges.", [
    "procedure",
  ]),
  refused: counter("unkey_rpc_refused_total", "Calls that were not admitted, by code.", ["code"]),
  requests: counter("unkey_http_requests_total", "Requests beside the calls: probes and REST, by status.", [
    "status",
  ]),
};

/** Counts the calls of one server. */
export class CallMetrics {
  readonly #calls;
  readonly #seconds;
  readonly #streams;
  readonly #refused;
  readonly #requests;
  readonly #open = new Map<string, number>();

  constructor(metrics: Metrics) {
    this.#calls = metrics.counter(RPC_METRICS.calls);
    this.#seconds = metrics.histogram(RPC_METRICS.seconds);
    this.#streams = metrics.gauge(RPC_METRICS.streams);
    this.#refused = metrics.counter(RPC_METRICS.refused);
    this.#requests = metrics.counter(RPC_METRICS.requests);
  }

  unaryEnded(procedure: string, code: string, ms: number): void {
    this.#calls.add({ procedure, code });
    this.#seconds.observe({ procedure }, ms / 1_000);
  }

  streamBegan(procedure: string): void {
    this.#addStream(procedure, 1);
  }

  streamEnded(procedure: string, code: string): void {
    this.#calls.add({ procedure, code });
    this.#addStream(procedure, -1);
  }

  refused(code: string): void {
    this.#refused.add({ code });
  }

  answered(status: number): void {
    this.#requests.add({ status: String(status) });
  }

  #addStream(procedure: string, by: number): void {
    const open = (this.#open.get(procedure) ?? 0) + by;
    this.#open.set(procedure, open);
    this.#streams.set({ procedure }, open);
  }
}
