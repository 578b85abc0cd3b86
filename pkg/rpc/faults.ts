import { Code, ConnectError } from "@connectrpc/connect";
import { describeError, Fault, type FaultCode } from "../fault/mod.ts";

/** The header of each answer with the id under which its call is logged. */
export const REQUEST_ID_HEADER = "x-request-id";

/** The Connect code of each fault code. `Record` makes a missing code a type error. */
const CONNECT_CODE: Record<FaultCode, Code> = {
  invalid_argument: Code.InvalidArgument,
  unauthenticated: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  failed_precondition: Code.FailedPrecondition,
  too_large: Code.OutOfRange,
  cancelled: Code.Canceled,
  rate_limited: Code.ResourceExhausted,
  deadline_exceeded: Code.DeadlineExceeded,
  unavailable: Code.Unavailable,
  internal: Code.Internal,
};

/** The text of each code for faults without a public text. */
const GENERIC: Record<FaultCode, string> = {
  invalid_argument: "The request is not valid.",
  unauthenticated: "Credentials are missing or not valid.",
  permission_denied: "The credentials do not allow this.",
  not_found: "Not found.",
  already_exists: "It exists already.",
  failed_precondition: "This is not possible in the current state.",
  too_large: "The request is too large.",
  cancelled: "The request was cancelled.",
  rate_limited: "Too many requests: try again later.",
  deadline_exceeded: "It took too long: try again.",
  unavailable: "A part of the platform is not available: try again in a moment.",
  internal:
    "Something went wrong on our side. The request id helps whoever runs the platform to find out what.",
};

/**
 * The Connect error that the caller gets: every fault becomes a Connect error with its public text, and
 * everything else `internal`. `onDetail` gets the whole chain of causes, which the caller never sees.
 */
export function shownError(error: unknown, onDetail: (detail: string) => void): ConnectError {
  if (error instanceof ConnectError) return error;
  onDetail(describeError(error));
  return toConnectError(error, error instanceof Fault ? error.code : abortCode(error));
}

/** The part of `error` that the caller may see: the public text of a fault, and nothing of other errors. */
export function toConnectError(error: unknown, code: FaultCode): ConnectError {
  const fault = error instanceof Fault ? error : undefined;
  const seconds = fault?.retryAfterSeconds;
  const headers = seconds === undefined ? undefined : { "retry-after": String(seconds) };
  return new ConnectError(fault?.publicMessage ?? GENERIC[code], CONNECT_CODE[code], headers);
}

/** A call that the client gave up is not a bug of ours. */
function abortCode(error: unknown): FaultCode {
  return error instanceof DOMException && error.name === "AbortError" ? "cancelled" : "internal";
}

/** The generic public text of a code, for other boundaries. */
export function genericMessage(code: FaultCode): string {
  return GENERIC[code];
}

const FAULT_CODE = new Map<Code, FaultCode>(
  Object.entries(CONNECT_CODE).map(([fault, code]) => [code, fault as FaultCode]),
);

/** The fault that a Connect error stands for, on the client's side of a call. */
export function fromConnectError(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const connect = ConnectError.from(error);
  const code = FAULT_CODE.get(connect.code) ?? "internal";
  const requestId = connect.metadata.get(REQUEST_ID_HEADER) ?? undefined;
  return new Fault(code, connect.rawMessage, { publicMessage: connect.rawMessage, requestId, cause: error });
}

/** True if the service has no such method: it is older than this client. */
export function isUnimplemented(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.Unimplemented;
}

/**
 * True if the service itself said so, as opposed to giving no answer, being gone, or out of reach: errors of the Connect protocol
 * are JSON (https://connectrpc.com/docs/protocol#error-end-stream), those of proxies on the way usually are not.
 */
export function isAnswer(fault: Fault): boolean {
  const { cause } = fault;
  return cause instanceof ConnectError &&
    cause.metadata.get("content-type")?.startsWith("application/json") === true;
}
