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

/** The meaning of an error. Texts in quotes are addresses, and `ignored` is a name that users choose: neither counts. */
export function remoteProblem(error: string, ignored = ""): RemoteProblem {
  const named = ignored === "" ? error : error.replaceAll(ignored, "");
  const text = named.split('"').filter((_, index) => index % 2 === 0).join("").toLowerCase();
  return SIGNS.find(([, signs]) => signs.some((each) => text.includes(each)))?.[0] ?? "unknown";
}

const OPERATOR = "The operator finds the answer in the worker's log.";
const LATER = "Try again in a moment.";

/** The reason, and what to do, for an image of a registry. */
export function imageAdvice(problem: RemoteProblem, host: string): string {
  switch (problem) {
    case "rate_limited":
      return `${host} limits how often images are pulled, and the limit is reached. Try again later, or sign in with ` +
        `"unkey registries add ${host}", which has a limit of its own.`;
    case "timeout":
      return `${host} did not answer in time. ${LATER}`;
    case "untrusted":
      return `The builder does not trust the TLS certificate of ${host}, or ${host} does not speak TLS. ` +
        "Ask the operator to make the builder trust it.";
    case "unreachable":
      return `The builder cannot reach the registry ${host}. Check the name of the host; if it is right, ask the ` +
        "operator whether the builder's network lets it through.";
    case "broken":
      return `The registry ${host} answers with errors of its own. ${LATER}`;
    case "platform":
      return "The image exists, but not for the platform of this build. Choose another tag, or another --platform.";
    case "unauthorized":
      return `${host} refuses the credentials, or wants some. Give it credentials that may read the image with ` +
        `"unkey registries add ${host}".`;
    case "missing":
      return "Check its name and tag. If it is private, let the platform sign in to its registry with " +
        `"unkey registries add ${host}".`;
    case "unknown":
      return `Check its name and tag, and whether it is private. ${OPERATOR}`;
  }
}

/** The same for a file or a repository that a Dockerfile downloads. */
export function downloadAdvice(problem: RemoteProblem): string {
  switch (problem) {
    case "rate_limited":
      return "Its server limits the number of requests. Try again later.";
    case "timeout":
      return `Its server did not answer in time. ${LATER}`;
    case "untrusted":
      return "The builder does not trust the TLS certificate of its server.";
    case "unreachable":
      return "The builder cannot reach its server. Check the name of the host, and where it redirects to: private " +
        "networks are out of reach of builds.";
    case "broken":
      return `Its server answers with errors of its own. ${LATER}`;
    case "unauthorized":
      return "Its server wants credentials. Download it in a RUN with --mount=type=secret instead.";
    case "missing":
      return "Its server does not have it. Check the address.";
    case "platform":
    case "unknown":
      return `Check the address. ${OPERATOR}`;
  }
}
