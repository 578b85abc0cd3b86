import type { Answer, ProxyRequest } from "../../../pkg/proxy/mod.ts";

/** The protocol that the client used, also in front of a balancer that says so. */
export function clientScheme(request: ProxyRequest, trusts: (address: string) => boolean): "http" | "https" {
  if (request.scheme === "https" || !trusts(request.clientAddress)) return request.scheme;
  const forwarded = request.headers.find((each) => each.lower === "x-forwarded-proto")?.value;
  // Of a chain of balancers the first one met the client; some tell "wss" for a WebSocket over TLS.
  const first = forwarded?.split(",")[0]?.trim().toLowerCase();
  return first === "https" || first === "wss" ? "https" : "http";
}

/** A permanent redirect to the same path and query; the method and the body stay as they are. */
export function redirect(
  request: ProxyRequest,
  to: { readonly scheme: "http" | "https"; readonly host: string; readonly httpsPort: number },
): Answer {
  const given = /:([0-9]+)$/.exec(request.hostHeader)?.[1];
  const port = to.scheme === "https" ? String(to.httpsPort) : given ?? "80";
  const place = port === (to.scheme === "https" ? "443" : "80") ? to.host : `${to.host}:${port}`;
  const location = `${to.scheme}://${place}${request.target}`;
  return {
    status: 308,
    headers: [["Location", location], ["Content-Type", "text/plain; charset=utf-8"]],
    body: `Moved to ${location}\n`,
  };
}
