/** The ends of a call to an authority. */

/** The ways in which an authority says no. */
export type Failure =
  /** A limit of the authority. Calls before `untilMs` make it worse. */
  | { readonly kind: "rate_limited"; readonly untilMs: number; readonly detail: string }
  /** The authority will not do it as things are; `type` is the last part of the problem's URN. */
  | { readonly kind: "refused"; readonly type: string; readonly detail: string }
  /** No answer, or an error of the authority itself. */
  | { readonly kind: "retry"; readonly afterMs: number; readonly detail: string };

export type Outcome<T> = { readonly kind: "ok"; readonly value: T } | Failure;

/** An answer that is not a success, or the lack of one. Never leaves this package. */
export class CaProblem extends Error {
  override readonly name = "CaProblem";
  /** 0: there was no answer. */
  readonly status: number;
  readonly type: string;
  readonly retryAtMs: number | undefined;

  constructor(
    detail: string,
    { status, type, retryAtMs, cause }: {
      readonly status: number;
      readonly type: string;
      readonly retryAtMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(detail, { cause });
    this.status = status;
    this.type = type;
    this.retryAtMs = retryAtMs;
  }
}

/** Let's Encrypt's shortest window of a limit is an hour. */
const RATE_LIMIT_MS = 60 * 60_000;
const RETRY_MS = 10_000;
/** Problems that the authority, or the moment, is the reason for. */
const TRANSIENT: readonly string[] = ["badNonce", "serverInternal", "orderNotReady"];

/** The failure that a problem stands for. */
export function failureOf(problem: CaProblem, nowMs: number): Failure {
  const { message: detail, retryAtMs, status, type } = problem;
  if (type === "rateLimited" || status === 429) {
    return { kind: "rate_limited", untilMs: retryAtMs ?? nowMs + RATE_LIMIT_MS, detail };
  }
  // A 503 with Retry-After is how an authority says that it is busy (RFC 9773 and Let's Encrypt's own limits).
  if (status === 0 || status >= 500 || TRANSIENT.includes(type)) {
    return { kind: "retry", afterMs: Math.max(0, (retryAtMs ?? nowMs + RETRY_MS) - nowMs), detail };
  }
  return { kind: "refused", type, detail };
}
