/** Making this worker known to Restate. */
import { z } from "zod";
import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Secret } from "../../../pkg/config/mod.ts";
import { describeError, Fault } from "../../../pkg/fault/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../pkg/retry/mod.ts";
import { DEPLOYMENT_SERVICE } from "../internal/workflows/names.ts";

/** What registering needs. */
export interface Registration {
  /** E.g. `http://127.0.0.1:9070`. */
  readonly adminUrl: string;
  readonly apiKey?: Secret;
  /** Where Restate reaches this worker. */
  readonly uri: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const FIRST_MS = 100;
const MAX_MS = 5_000;
const REQUEST_MS_MAX = 30_000;
const PROBE_MS_MAX = 1_000;

/**
 * Registers this worker, in place of its former registration, and tries until that works or `signal` aborts. Then takes
 * over workflows of former workers that have gone away from another address.
 */
export async function registerWorker(registration: Registration, signal: AbortSignal): Promise<void> {
  const { clock, log, uri, adminUrl } = registration;
  for (let attempt = 1;; attempt++) {
    signal.throwIfAborted();
    try {
      const id = await register(registration, signal);
      log.info("registered with restate", { uri, deployment: id, attempt });
      await takeOver(registration, id, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      const waitMs = Math.round(backoffMs(attempt, FIRST_MS, MAX_MS));
      const check = error instanceof Fault ? error.publicMessage : undefined;
      log.warn("cannot register with restate", {
        adminUrl,
        uri,
        attempt,
        waitMs,
        check,
        error: describeError(error),
      });
      await clock.sleep(waitMs, signal);
    }
  }
}

const Registered = z.object({ id: z.string() });

async function register(registration: Registration, signal: AbortSignal): Promise<string> {
  const answer = await admin(
    registration,
    "POST",
    "/deployments",
    { uri: registration.uri, force: true },
    signal,
  );
  return Registered.parse(answer).id;
}

const Listed = z.object({
  deployments: z.array(z.object({
    id: z.string(),
    uri: z.string().optional(),
    services: z.array(z.object({ name: z.string() })),
  })),
});

/**
 * A workflow goes on where it began, so one whose worker came back at another address would wait for ever. Whoever
 * offered our services before, and does not answer now, is pointed at this worker.
 */
async function takeOver(registration: Registration, ownId: string, signal: AbortSignal): Promise<void> {
  const { log, uri } = registration;
  const { deployments } = Listed.parse(await admin(registration, "GET", "/deployments", undefined, signal));
  for (const each of deployments) {
    const former = each.uri?.replace(/\/+$/, "");
    const ours = each.services.some((service) => service.name === DEPLOYMENT_SERVICE);
    if (!ours || each.id === ownId || former === undefined || former === uri.replace(/\/+$/, "")) continue;
    if (await answers(former, signal)) continue;
    await admin(registration, "PATCH", `/deployments/${each.id}`, { uri }, signal);
    log.info("took over from a worker that is gone", { former, uri, deployment: each.id });
  }
}

async function answers(uri: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${uri}/health`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS_MAX)]),
    });
    await response.body?.cancel();
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

async function admin(
  { adminUrl, apiKey }: Registration,
  method: "GET" | "POST" | "PATCH",
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${adminUrl}${path}`, {
      method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS_MAX)]),
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey.reveal()}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (error) {
    const publicMessage =
      "Restate's admin API does not answer: check --restate-admin-url, and that Restate runs.";
    throw new Fault("unavailable", `no answer from ${adminUrl}`, { publicMessage, cause: error });
  }
  if (response.ok) return JSON.parse(text);
  throw new Fault(
    "unavailable",
    `${method} ${path} was answered with ${response.status}: ${text.slice(0, 500)}`,
    {
      publicMessage: response.status === 401 || response.status === 403
        ? "Restate refuses the credentials: check UNKEY_RESTATE_API_KEY."
        : "Restate cannot use this worker: check that it reaches the worker at --restate-register-as, and that " +
          "it signs with the private key of one in --restate-identity-keys.",
    },
  );
}
