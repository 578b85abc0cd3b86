/** Health checks of the edge itself. */
import { isIP } from "node:net";
import type { Answer, ProxyRequest } from "../../../pkg/proxy/mod.ts";

/** The edge itself answers this path on every host; all other paths belong to the apps. */
export const HEALTH_PATH = "/_unkey/internal/health";
const CHECK_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * True for a check as load balancers make it unless they are configured otherwise: of the root, at an address, which no
 * app has, or at no host at all.
 */
export function isCheck({ method, target, host }: ProxyRequest): boolean {
  const atRoot = target === "/" || target === "*";
  return atRoot && CHECK_METHODS.has(method) && (host === "" || isIP(host.replace(/^\[|\]$/g, "")) !== 0);
}

export function health(status: "ok" | "starting" | "stopping"): Answer {
  return {
    status: status === "ok" ? 200 : 503,
    headers: [["Content-Type", "application/json"], ["Cache-Control", "no-store"]],
    body: `{"status":"${status}"}\n`,
  };
}
