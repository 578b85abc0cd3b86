import { isFault } from "../../../pkg/fault/mod.ts";
import type { HttpRoute } from "../../../pkg/rpc/mod.ts";
import type { ChangeNotifier } from "../internal/changes/mod.ts";
import type { Authenticator } from "./authenticate.ts";

/** Where processes that committed something wake the streams of this one. */
export const NUDGE_PATH = "/internal/nudge";

const BODY_BYTES_MAX = 64 * 1024;

/** Takes `POST /internal/nudge {"regions": [...]}` with the service token. */
export function nudgeRoute(authenticate: Authenticator, hub: ChangeNotifier): HttpRoute {
  return async (request) => {
    if (new URL(request.url).pathname !== NUDGE_PATH) return undefined;
    if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "POST" } });
    try {
      const principal = await authenticate(request.headers);
      if (principal.kind !== "service") return new Response(null, { status: 403 });
    } catch (error) {
      if (isFault(error, "unauthenticated")) return new Response(null, { status: 401 });
      if (isFault(error, "rate_limited")) return new Response(null, { status: 429 });
      throw error;
    }
    if (Number(request.headers.get("content-length") ?? BODY_BYTES_MAX + 1) > BODY_BYTES_MAX) {
      return new Response(null, { status: 413 });
    }
    hub.changed(regionsOf(await request.text()));
    return new Response(null, { status: 204 });
  };
}

/** Which regions are named matters little: the hub looks at all of them. */
function regionsOf(body: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(body);
    const regions: unknown = typeof value === "object" && value !== null && "regions" in value
      ? value.regions
      : [];
    return Array.isArray(regions) ? regions.filter((each) => typeof each === "string") : [];
  } catch {
    // A nudge that cannot be read still says that something changed.
    return [];
  }
}
