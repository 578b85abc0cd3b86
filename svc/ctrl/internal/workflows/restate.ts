import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Secret } from "../../../../pkg/config/mod.ts";
import { Fault, type FaultCode } from "../../../../pkg/fault/mod.ts";
import { retry } from "../../../../pkg/retry/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import type { Workflows } from "./mod.ts";
import { DEPLOYMENT_SERVICE, ROUTING_SERVICE } from "./names.ts";

/** Where Restate takes requests, and how patient to be. */
export interface RestateWorkflowsOptions {
  /** E.g. `http://127.0.0.1:8080`. */
  readonly ingressUrl: string;
  /** Sent as a bearer token. */
  readonly apiKey?: Secret;
  readonly clock: Clock;
  /** For each call as a whole. A promote or rollback is answered when it is done. */
  readonly timeoutMs: number;
}

const TRIES = { attemptsMax: 4, firstMs: 100, maxMs: 1_000 };

/**
 * Reaches workflows through Restate's ingress.
 *
 * All of it is safe to repeat, and is repeated: a deploy is known by its id, setting a signal twice is setting it once,
 * and a promote or rollback carries an idempotency key, so that a repeat gets the first one's answer.
 */
export function createRestateWorkflows(options: RestateWorkflowsOptions): Workflows {
  const request = (
    path: string,
    body: unknown,
    signal: AbortSignal | undefined,
    idempotencyKey?: string,
  ): Promise<void> =>
    bounded(
      options,
      signal,
      (limit) =>
        retry(() => post(options, { path, body, idempotencyKey, signal: limit }), {
          ...TRIES,
          clock: options.clock,
          signal: limit,
          retryable: (error) => error instanceof Fault && error.retryable,
        }),
    );
  const send = (path: string, body: unknown, signal?: AbortSignal): Promise<void> =>
    request(`${path}/send`, body, signal);
  const call = (path: string, body: unknown, signal?: AbortSignal): Promise<void> =>
    request(path, body, signal, newId("request", options.clock.now()));
  const deployment = (id: string, handler: string): string => path(DEPLOYMENT_SERVICE, id, handler);
  const environment = (id: string, handler: string): string => path(ROUTING_SERVICE, id, handler);

  return {
    submitDeploy: (id, signal) => send(deployment(id, "run"), { deploymentId: id }, signal),
    cancelDeploy: (id, signal) => send(deployment(id, "cancel"), undefined, signal),
    instancesChanged: (id, signal) => send(deployment(id, "instancesChanged"), undefined, signal),
    promote: (id, target, signal) => call(environment(id, "promote"), { targetDeploymentId: target }, signal),
    rollback: (id, source, target, signal) =>
      call(
        environment(id, "rollback"),
        { sourceDeploymentId: source, targetDeploymentId: target },
        signal,
      ),
  };
}

function path(service: string, key: string, handler: string): string {
  return `/${service}/${encodeURIComponent(key)}/${handler}`;
}

async function bounded<T>(
  { timeoutMs }: RestateWorkflowsOptions,
  signal: AbortSignal | undefined,
  action: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  // Not `AbortSignal.timeout`, whose timer outlives the call.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    return await action(signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]));
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

interface IngressRequest {
  readonly path: string;
  readonly body: unknown;
  readonly idempotencyKey: string | undefined;
  readonly signal: AbortSignal;
}

async function post(
  { ingressUrl, apiKey }: RestateWorkflowsOptions,
  { path, body, idempotencyKey, signal }: IngressRequest,
): Promise<void> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${ingressUrl}${path}`, {
      method: "POST",
      signal,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey.reveal()}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    throw unavailable(`Restate's ingress at ${ingressUrl} does not answer`, error);
  }
  if (!response.ok) throw refusal(path, response.status, text);
}

/** What a handler of ours threw comes back with its code and public text; the rest is Restate's own trouble. */
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
