/**
 * The one error type of the project: an expected failure with a closed code, an internal text, and a text for the user.
 *
 * ```ts
 * throw new Fault("not_found", `no project "${id}" in workspace "${workspace}"`, {
 *   publicMessage: `Project "${id}" was not found. "unkey list projects" shows yours.`,
 * });
 * ```
 *
 * Anything else that is thrown is a bug. Each boundary converts a fault exactly once: the RPC interceptor, the REST
 * adapter, `main.ts`, and the workflow adapter.
 *
 * @module
 */

/** Every kind of expected failure. A new one does not compile until each boundary has an answer for it. */
export type FaultCode =
  | "invalid_argument"
  | "unauthenticated"
  | "permission_denied"
  | "not_found"
  | "already_exists"
  | "failed_precondition"
  | "too_large"
  | "cancelled"
  | "rate_limited"
  | "deadline_exceeded"
  | "unavailable"
  | "internal";

export interface FaultOptions {
  /** The text for the user; a generic one for the code by default. */
  readonly publicMessage?: string;
  /** The id under which the answering service logged the call. */
  readonly requestId?: string | undefined;
  /** The call may succeed after this time. */
  readonly retryAfterSeconds?: number | undefined;
  /** The error that led to this one. Its text is not repeated in the message. */
  readonly cause?: unknown;
}

const RETRYABLE: Record<FaultCode, boolean> = {
  invalid_argument: false,
  unauthenticated: false,
  permission_denied: false,
  not_found: false,
  already_exists: false,
  failed_precondition: false,
  too_large: false,
  cancelled: false,
  rate_limited: true,
  deadline_exceeded: true,
  unavailable: true,
  internal: false,
};

/** An expected failure. Anything thrown that is not a `Fault` is treated as a bug. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly publicMessage: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.publicMessage = options.publicMessage;
    this.requestId = options.requestId;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** True if the same call can succeed later with no change by the caller. */
  get retryable(): boolean {
    return RETRYABLE[this.code];
  }
}

/** A fault whose internal text may be shown to the user as it is. */
export function publicFault(code: FaultCode, message: string, cause?: unknown): Fault {
  return new Fault(code, message, { publicMessage: message, cause });
}

/** True if `error` is a fault with one of `codes`. */
export function isFault(error: unknown, ...codes: readonly FaultCode[]): error is Fault {
  return error instanceof Fault && (codes.length === 0 || codes.includes(error.code));
}

const CAUSES_MAX = 8;

/** The whole chain of causes in one line, for logs. Never shown to users. */
export function describeError(error: unknown): string {
  return causes(error).map((each) => {
    if (each instanceof Fault) return `${each.code}: ${each.message}`;
    return each instanceof Error ? `${each.name}: ${each.message}` : String(each);
  }).join(" <- ");
}

/** The request id of the call that led to `error`; `undefined` when no call was answered. */
export function requestIdOf(error: unknown): string | undefined {
  return causes(error).map((each) => each instanceof Fault ? each.requestId : undefined)
    .find((id) => id !== undefined);
}

function causes(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (let current = error; current !== undefined && chain.length < CAUSES_MAX;) {
    chain.push(current);
    current = current instanceof Error ? current.cause : undefined;
  }
  return chain;
}
