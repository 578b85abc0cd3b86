/** Serves the dashboard's page and its files. They are the same for everyone: all data comes by RPC, with a session. */
import type { HttpRoute } from "../../../../pkg/rpc/mod.ts";
import type { DashboardSite } from "../../internal/auth/site.ts";
import type { DashboardFiles, Encoding } from "./files.ts";

const PAGES =
  /^\/(login|sessions|keys|audit|logs|platform|deployments(\/[A-Za-z0-9_]{1,64})?|environments\/proj_[A-Za-z0-9]{1,60}\/[a-z0-9-]{1,63}(\/metrics)?)?$/;
/** Names have a hash of their content: `main.0123456789.js`, and by the bundler `plot-L3RNN2GY.js`. */
const ASSET = /^\/assets\/([a-z]+(?:\.[0-9a-f]{10,64}|-[0-9A-Z]{8})\.(js|css|svg))$/;
const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** Only files of this origin, and no text that becomes markup or code. */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const SECURITY_HEADERS = {
  "content-security-policy": CONTENT_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

const NOT_BUILT =
  `The dashboard is not built. From sources, "deno task dashboard" builds it; releases have it.\n`;

/** Answers GET and HEAD of pages and their files; everything else is for other routes. */
export function dashboardRoute({ site, files }: {
  readonly site: DashboardSite;
  readonly files: DashboardFiles;
}): HttpRoute {
  return async (request) => {
    const { pathname, host, search } = new URL(request.url);
    const asset = ASSET.exec(pathname);
    if (!PAGES.test(pathname) && asset === null) return undefined;
    if (request.method !== "GET" && request.method !== "HEAD") {
      await request.body?.cancel();
      return new Response(null, { status: 405, headers: { allow: "GET, HEAD", ...SECURITY_HEADERS } });
    }
    const headers = new Headers(SECURITY_HEADERS);
    headers.set("cache-control", "no-store");
    if (host !== site.host) {
      headers.set("location", `${site.origin}${pathname}${search}`);
      return new Response(null, { status: 307, headers });
    }
    const [, name = "", extension = ""] = asset ?? [];
    const file = asset === null ? "index.html" : `assets/${name}`;
    const found = await encoded(files, file, request.headers.get("accept-encoding") ?? "");
    if (found === undefined && asset === null) return new Response(NOT_BUILT, { status: 503, headers });
    if (found === undefined) return new Response(null, { status: 404, headers });
    headers.set("content-type", TYPES[extension] ?? "text/html; charset=utf-8");
    headers.set("content-length", String(found.bytes.length));
    headers.set("vary", "accept-encoding");
    if (found.encoding !== undefined) headers.set("content-encoding", found.encoding);
    if (asset !== null) headers.set("cache-control", "public, max-age=31536000, immutable");
    return new Response(request.method === "HEAD" ? null : found.bytes, { headers });
  };
}

interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly encoding: Encoding | undefined;
}

/** The smallest form of a file that the client takes. */
async function encoded(files: DashboardFiles, name: string, accepted: string): Promise<Encoded | undefined> {
  for (const encoding of ["br", "gzip", undefined] as const) {
    if (encoding !== undefined && !takes(accepted, encoding)) continue;
    const bytes = await files.read(name, encoding);
    if (bytes !== undefined) return { bytes, encoding };
  }
  return undefined;
}

function takes(accepted: string, encoding: Encoding): boolean {
  return accepted.split(",").some((each) => {
    const [name = "", ...options] = each.split(";").map((part) => part.trim().toLowerCase());
    return name === encoding && !options.some((option) => /^q=0(\.0*)?$/.test(option));
  });
}
