/**
 * The way of a request through the proxy that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name, for the few
 * that `fetch` cannot send. `fetch` reads these variables itself, and which proxy is chosen here is what it chooses.
 *
 * ```ts
 * const proxy = proxyFor(url, process.env);
 * const { request, options } = await prepareRequest(url, proxy, { signal, timeoutMs: 60_000 });
 * const upload = request({ ...options, method: "PUT", signal });
 * ```
 *
 * @module
 */
export { type OutgoingProxy, proxyFor } from "./choose.ts";
export { proxyRefusal, proxyUnreachable } from "./problem.ts";
export { type PreparedRequest, prepareRequest } from "./prepare_request.ts";
