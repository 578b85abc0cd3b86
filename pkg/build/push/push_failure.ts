import type { PushProblem } from "../../docker/mod.ts";
import type { BuildFailure } from "../builder.ts";

/** The text for a user whose code is not the cause; the answer of the registry is for the operator only. */
export function pushFailure(registry: string, problem: PushProblem): BuildFailure {
  const { code, why } = EXPLAINED[problem];
  return {
    kind: "failed",
    code,
    message: `The image was built, but not stored: the registry ${registry} ${why}`,
    lastLines: [],
  };
}

const OPERATOR = "The operator finds its answer in the worker's log.";

const EXPLAINED: Record<PushProblem, Pick<BuildFailure, "code"> & { readonly why: string }> = {
  denied: {
    code: "push_denied",
    why: "refused the platform's credentials. Ask the operator to check UNKEY_REGISTRY_USERNAME and " +
      "UNKEY_REGISTRY_PASSWORD of the worker and what they may do there, then deploy again.",
  },
  full: {
    code: "registry_full",
    why: "has no room left. Ask the operator to make room there, then deploy again.",
  },
  unavailable: {
    code: "registry_unavailable",
    why: `does not answer, or only with errors, after several attempts. Try again in a moment. ${OPERATOR}`,
  },
  refused: {
    code: "push_failed",
    why: `did not take it, and another attempt will not change that. ${OPERATOR}`,
  },
};
