/** Faults across the journal, which keeps a message, a number and strings, but no class. */
import { TerminalError } from "@restatedev/restate-sdk/fetch";
import { Fault, type FaultCode } from "../fault/mod.ts";

/**
 * The number for each code, which is also the HTTP status at Restate's ingress. Each is used once, so that a caller who
 * sees only the status knows the code. 409 is Restate's own code for a cancelled invocation and must not be among them.
 */
export const STATUS_OF: Record<FaultCode, number> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 422,
  failed_precondition: 412,
  too_large: 413,
  cancelled: 499,
  rate_limited: 429,
  deadline_exceeded: 504,
  unavailable: 503,
  internal: 500,
};

/** The text of a fault that has no public text of its own. */
const GENERIC: Record<FaultCode, string> = {
  invalid_argument: "The request is not valid.",
  unauthenticated: "The caller is not known.",
  permission_denied: "The caller may not do this.",
  not_found: "The object was not found.",
  already_exists: "The object exists already.",
  failed_precondition: "The object is not in a state that allows this.",
  too_large: "The request is too large.",
  cancelled: "The operation was cancelled.",
  rate_limited: "There are too many requests. Try again in a moment.",
  deadline_exceeded: "The operation took too long. Try again.",
  unavailable:
    "A part of the platform cannot be reached. Try again; if it stays so, the operator finds the cause in the logs.",
  internal: "Something went wrong inside the platform. The operator finds the cause in the logs.",
};

const CANCELLED_BY_RESTATE = 409;
const FAULT_KEY = "fault";

/** The fault as Restate keeps it: its code and what may be shown, never its internal text. */
export function toTerminal(fault: Fault): TerminalError {
  return new TerminalError(fault.publicMessage ?? GENERIC[fault.code], {
    errorCode: STATUS_OF[fault.code],
    metadata: { [FAULT_KEY]: fault.code },
  });
}

/** The fault that a final error was made of, or `undefined` when `error` is not final. */
export function fromTerminal(error: unknown): Fault | undefined {
  if (!(error instanceof TerminalError)) return undefined;
  const code = error.metadata?.[FAULT_KEY];
  if (code !== undefined && isFaultCode(code)) {
    return new Fault(code, error.message, { publicMessage: error.message });
  }
  // Not made by us: a cancellation, or Restate's own text, which is for operators.
  const kind = error.code === CANCELLED_BY_RESTATE ? "cancelled" : "internal";
  return new Fault(kind, error.message, { publicMessage: GENERIC[kind] });
}

/** The code whose status is `status`; anything else from a proxy or Restate itself counts as `unavailable`. */
export function codeOfStatus(status: number): FaultCode {
  for (const [code, each] of Object.entries(STATUS_OF)) {
    if (each === status && isFaultCode(code)) return code;
  }
  return "unavailable";
}

function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(STATUS_OF, text);
}
