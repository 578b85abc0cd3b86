import { type RemoteProblem, remoteProblem } from "./remote_problem.ts";

const REASON: Readonly<Record<RemoteProblem | "invalid", string>> = {
  missing: "it does not exist, or it is private.",
  unauthorized:
    "its registry refuses it to the machines that run apps. Make it public, or use another image.",
  rate_limited: "its registry limits how often images are pulled. It is pulled later.",
  timeout: "its registry does not answer.",
  unreachable: "its registry cannot be reached. Check the name of the host.",
  untrusted: "its registry has no TLS certificate that the machines of the region trust.",
  broken: "its registry answers with errors of its own. It is pulled later.",
  platform: "it is not made for the platform of the region's machines.",
  invalid: "its name is not valid.",
  unknown: "the region's operator finds the reason in the agent's log.",
};

/**
 * The text for a user whose image could not be pulled. `said` is the answer of the registry or engine: it can hold all that a
 * host in a private network says, so that nothing of it is in the text.
 */
export function pullFailureText(image: string, said: string): string {
  return pullText(image, remoteProblem(said, image));
}

/** The same for a reason that is known. */
export function pullText(image: string, reason: RemoteProblem | "invalid"): string {
  return `The image "${image}" could not be pulled: ${REASON[reason]}`;
}
