/** The port on which Restate drives this worker's services. */
import { createEndpointHandler, type EndpointOptions } from "@restatedev/restate-sdk/fetch";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { StepActivity } from "../../../../pkg/durable/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { serveWeb } from "../../../../pkg/rpc/mod.ts";
import type { TlsServer } from "../../../../pkg/tls/mod.ts";
import { readsJournal, requestedJournal } from "./journal.ts";
import { SignatureCheck } from "./request_signature.ts";

export interface EndpointDeps {
  readonly services: EndpointOptions["services"];
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The setting to name when the port is taken. */
  readonly portSetting: string;
  /** Requests must be signed with one of them; without any, every request is accepted. */
  readonly identityKeys: readonly string[];
  /** The port takes TLS, and nothing else. */
  readonly tls?: TlsServer | undefined;
  /** The time of Restate, by which its signatures are valid. */
  readonly restateNow: () => number;
  /** The setting to name when they are none. */
  readonly identitySetting: string;
  readonly activity: StepActivity;
  readonly clock: Clock;
  readonly log: Logger;
}

/** An endpoint that listens. */
export interface Endpoint {
  readonly port: number;
  /** Until `signal` aborts. Rejects when the port accepts nothing any more: the process should end. */
  run(signal: AbortSignal): Promise<void>;
  /** Takes no more attempts, lets the steps that run end within a limit, then cuts the connections. */
  shutdown(): Promise<void>;
}

/** Shorter than the grace period of service managers. A step that is cut runs again elsewhere. */
const DRAIN_MS_MAX = 10_000;
/** Restate keeps its connections for its next call. */
const KEEP_ALIVE_MS = 600_000;
const REFUSALS_LOGGED_EVERY_MS = 60_000;

/**
 * Serves the services to Restate, over HTTP/2. What Restate did not sign is answered with 401.
 *
 * @throws `failed_precondition` when the port is taken or not allowed, or a key is none
 */
export async function serveEndpoint(deps: EndpointDeps): Promise<Endpoint> {
  const { services, hostname, port, portSetting, tls, restateNow, activity, clock, log } = deps;
  const check = openCheck(deps);
  const handler = createEndpointHandler({ services, bidirectional: true, logger: sdkLogger(log) });
  const refused = refusals(deps);
  const unread = unreadJournals(deps);
  let stopping = false;
  const server = await serveWeb({
    hostname,
    port,
    portSetting,
    log,
    tls,
    limits: { keepAliveMs: KEEP_ALIVE_MS, connectionsPerClientMax: Infinity },
    answer: async (request) => {
      // Restate tries again, by then with the next process.
      if (stopping) return new Response(null, { status: 503 });
      const journal = requestedJournal(new URL(request.url).pathname);
      if (!readsJournal(journal)) {
        unread(journal);
        await request.body?.cancel().catch(() => undefined);
        // Replayed with another order of steps, the run would end for good; so it waits.
        return new Response(null, { status: 503 });
      }
      if (check === undefined || isHealth(request) || check.isSigned(request, restateNow())) {
        return await handler(request);
      }
      refused();
      await request.body?.cancel().catch(() => undefined); // the rest of it is of no interest
      return new Response(null, { status: 401 });
    },
  });
  return {
    port: server.port,
    run: (signal) => server.run(signal),
    async shutdown() {
      stopping = true;
      const idle = new AbortController();
      const late = clock.sleep(DRAIN_MS_MAX, idle.signal).then(() => "late", () => "idle");
      const outcome = await Promise.race([activity.idle().then(() => "idle"), late]);
      idle.abort();
      if (outcome === "late") log.warn("steps did not end in time", { limit_ms: DRAIN_MS_MAX });
      // Most connections belong to workflows that wait; they would stay open for as long as the wait.
      await server.cut();
    },
  };
}

/** `undefined` without keys. */
function openCheck({ identityKeys, identitySetting }: EndpointDeps): SignatureCheck | undefined {
  try {
    return identityKeys.length === 0 ? undefined : new SignatureCheck(identityKeys);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    const text = `A key of ${identitySetting} cannot be used: ${why}.`;
    throw new Fault("failed_precondition", text, { publicMessage: text, cause });
  }
}

/** Its answer has no secrets, and it is not signed. */
function isHealth({ url }: Request): boolean {
  const { pathname } = new URL(url);
  return pathname.endsWith("/health") && !pathname.includes("/invoke/");
}

/** Counts requests that are refused. Any client may send them, so they are logged together. */
function refusals({ identitySetting, clock, log }: EndpointDeps): () => void {
  let count = 0;
  let loggedMs = -Infinity;
  return () => {
    count++;
    if (clock.now() - loggedMs < REFUSALS_LOGGED_EVERY_MS) return;
    const check = `If they are Restate's: it must sign with the private key of one in ${identitySetting}.`;
    log.warn("requests to workflows refused: not signed by Restate", { count, check });
    loggedMs = clock.now();
    count = 0;
  };
}

/** Logs that runs of a newer release wait, not for each attempt. */
function unreadJournals({ clock, log }: EndpointDeps): (journal: number) => void {
  let loggedMs = -Infinity;
  return (journal) => {
    if (clock.now() - loggedMs < REFUSALS_LOGGED_EVERY_MS) return;
    log.warn("workflows wait for a newer release: start a worker of it", { journal });
    loggedMs = clock.now();
  };
}

/** Failing steps and handlers are logged where they fail, with ids, so that the SDK's own errors become warnings. */
function sdkLogger(log: Logger): NonNullable<EndpointOptions["logger"]> {
  return ({ level, context }, message) => {
    const fields = { message: String(message).slice(0, 500), invocation_id: context?.invocationId };
    if (level === "error") log.warn("restate sdk", fields);
    else if (level === "warn") log.debug("restate sdk", fields);
  };
}
