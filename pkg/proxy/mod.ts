/**
 * A reverse proxy for HTTP/1.1 that changes nothing it does not have to. It knows no routes: its user decides
 * where each request goes.
 *
 * ```ts
 * const proxy = new Proxy({
 *   clock, limits: LIMITS,
 *   route: (request, tried) => ({ kind: "forward", upstream: pick(request.host, tried) }),
 *   explain: (report) => ({ status: report.status, headers: [], body: report.detail }),
 *   newRequestId, trusts: () => false, onDial, onFailure, onStatus,
 * });
 * const port = await proxy.listen({ host: "127.0.0.1", port: 0, portSetting: "--http-port" });
 * await proxy.run(signal);
 * await proxy.close(10_000);
 * ```
 *
 * It reads and writes the protocol itself, on plain sockets. An HTTP library would hide what a proxy has to pass on:
 * interim responses, trailers, header case, repetition and order, half-open connections, and the difference between
 * the end of a body and the loss of a connection. Heads are parsed strictly and written again, bodies are cut out of the
 * stream by their framing and framed again, so that both sides always agree on where a message ends.
 *
 * Back-pressure: while one side does not take bytes, nothing more is read from the other, so that memory per connection
 * is bounded.
 *
 * @module
 */
export { type ListenOptions, Proxy } from "./server.ts";
export type { TlsOptions } from "./tls_listener.ts";
export {
  type Answer,
  type AppTraffic,
  type Decision,
  type Failure,
  type FailureKind,
  type FailureReport,
  type HeaderField,
  LIMITS,
  type ProxyLimits,
  type ProxyOptions,
  type ProxyRequest,
  type Served,
  type Upstream,
} from "./types.ts";
