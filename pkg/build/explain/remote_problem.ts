/** Advice for users about what could not be fetched. */
import type { RemoteProblem } from "../../registry/mod.ts";

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
