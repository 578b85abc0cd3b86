/** Why something could not be fetched from another machine. */
export type RemoteProblem =
  | "rate_limited"
  | "timeout"
  | "untrusted"
  | "unreachable"
  | "broken"
  | "platform"
  | "unauthorized"
  | "missing"
  | "unknown";

/**
 * In this order: a registry that limits requests says "denied" too, Docker Hub says "may require authorization" of images
 * that do not exist, and a time limit can end the exchange of certificates.
 */
const SIGNS: readonly (readonly [RemoteProblem, readonly string[]])[] = [
  ["rate_limited", ["429 too many", "toomanyrequests", "too many requests", "rate limit", "status 429"]],
  ["platform", ["no match for platform", "no matching manifest", "does not match the specified platform"]],
  ["timeout", ["timeout", "deadline exceeded", "timed out", "client.timeout"]],
  ["untrusted", ["x509", "certificate", "http response to https client", "tls: "]],
  ["unreachable", [
    "no such host",
    "connection refused",
    "network is unreachable",
    "no route to host",
    "connection reset",
    "broken pipe",
    "server misbehaving",
    "could not resolve host",
    ": eof",
    "unexpected eof",
  ]],
  ["broken", [
    "500 internal server error",
    "502 bad gateway",
    "503 service unavailable",
    "504 gateway",
    "status 500",
    "status 502",
    "status 503",
    "status 504",
  ]],
  ["missing", ["does not exist or may require authorization", "insufficient_scope"]],
  ["unauthorized", [
    "401 unauthorized",
    "403 forbidden",
    "status 401",
    "status 403",
    "unauthorized",
    "authentication required",
    "incorrect username or password",
    "no basic auth credentials",
    "failed to authorize",
    "failed to fetch oauth token",
    "failed to fetch anonymous token",
    "access forbidden",
  ]],
  ["missing", ["not found", "manifest unknown", "name unknown", "404", "denied"]],
];

/** The meaning of an error; what stands in quotes in it is an address, and `ignored` a name that users choose. */
export function remoteProblem(error: string, ignored = ""): RemoteProblem {
  const named = ignored === "" ? error : error.replaceAll(ignored, "");
  const text = named.split('"').filter((_, index) => index % 2 === 0).join("").toLowerCase();
  return SIGNS.find(([, signs]) => signs.some((each) => text.includes(each)))?.[0] ?? "unknown";
}
