/** Requests to Restate's ingress: bounded, retried, and with faults that keep their code. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Secret } from "../../../../pkg/config/mod.ts";
import { Fault, type FaultCode } from "../../../../pkg/fault/mod.ts";
import { type Answered, askAt } from "../../../../pkg/unix_http/mod.ts";
import { retry } from "../../../../pkg/retry/mod.ts";

/** Restate's ingress, with the bounds of calls to it. */
export interface IngressOptions {
  /** E.g. `http://127.0.0.1:8080`, or `unix:///data/ingress.sock`. */
  readonly ingressUrl: string;
  /** Sent as a bearer token. */
  readonly apiKey?: Secret;
  readonly clock: Clock;
  /** For each request as a whole, its repetitions included. */
  readonly timeoutMs: number;
}

/** One request. It may be sent more than once, so it must be safe to repeat. */
export interface IngressRequest {
  /** Default: POST. */
  readonly method?: "GET" | "POST";
  /** Begins with a slash; see `handlerPath`. */
  readonly path: string;
  /** Sent as JSON; absent for handlers that take nothing. */
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
  /** Instead of the options' limit. */
  readonly timeoutMs?: number;
  /** Tries per call; default: a few. */
  readonly attemptsMax?: number;
}

const TRIES = { attemptsMax: 4, firstMs: 100, maxMs: 1_000 };

/** The path of a handler; `/send` after it hands over without waiting for an answer. */
export function handlerPath(service: string, key: string, handler: string): string {
  return `/${service}/${encodeURIComponent(key)}/${handler}`;
}

/**
 * Sends `request` until Restate takes it, and returns the handler's answer; `undefined` when that is empty.
 *
 * @throws the fault of the handler; `unavailable` when Restate cannot be reached or does not know the service yet,
 * `deadline_exceeded` when it takes too long
 */
export async function postToIngress(options: IngressOptions, request: IngressRequest): Promise<unknown> {
  const { clock } = options;
  const { signal, timeoutMs = options.timeoutMs, attemptsMax = TRIES.attemptsMax } = request;
  // Not `AbortSignal.timeout`, whose timer outlives the call.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const limit = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  try {
    return await retry(() => post(options, { ...request, signal: limit }), {
      ...TRIES,
      attemptsMax,
      clock,
      signal: limit,
      retryable: (error) => error instanceof Fault && error.retryable,
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (!late.signal.aborted) throw error;
    throw new Fault("deadline_exceeded", `Restate did not answer within ${timeoutMs} ms`, {
      publicMessage:
        "The operation takes longer than expected and may still finish. Look at its status in a moment.",
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function post(
  { ingressUrl, apiKey }: IngressOptions,
  { method = "POST", path, body, idempotencyKey, signal }: IngressRequest & { readonly signal: AbortSignal },
): Promise<unknown> {
  let answer: Answered;
  try {
    answer = await askAt(ingressUrl, path, {
      method,
      signal,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey.reveal()}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw unavailable(`Restate's ingress at ${ingressUrl} does not answer`, error);
  }
  const { ok, status, text } = answer;
  if (!ok) throw refusal(path, status, text);
  return text === "" ? undefined : JSON.parse(text);
}

/** A fault of our handlers comes back with its code and public text; other errors are Restate's own. */
function refusal(path: string, status: number, text: string): Fault {
  const answer = parse(text);
  const code = answer?.metadata?.["fault"];
  const message = answer?.message ?? text.slice(0, 500);
  if (answer?.source === "invocation" && code !== undefined && isFaultCode(code)) {
    return new Fault(code, `${path} was refused: ${message}`, { publicMessage: message });
  }
  // A service that is not known is one whose worker has not registered yet.
  return unavailable(`Restate answered ${path} with ${status}: ${message}`);
}

function unavailable(message: string, cause?: unknown): Fault {
  return new Fault("unavailable", message, {
    publicMessage:
      "The workflow engine does not answer. Try again in a moment; if it stays so, check that Restate and " +
      '"unkey ctrl worker" are running.',
    cause,
  });
}

interface IngressError {
  readonly message?: string;
  readonly source?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

function parse(text: string): IngressError | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // Every field is optional and is checked where it is used.
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const FAULT_CODES: Record<FaultCode, true> = {
  invalid_argument: true,
  unauthenticated: true,
  permission_denied: true,
  not_found: true,
  already_exists: true,
  failed_precondition: true,
  too_large: true,
  cancelled: true,
  rate_limited: true,
  deadline_exceeded: true,
  unavailable: true,
  internal: true,
};

function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULT_CODES, text);
}
