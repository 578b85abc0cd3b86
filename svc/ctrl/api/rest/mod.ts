/**
 * The REST routes `/v2/deploy.*`: the same use cases as the RPCs, in the envelope `{ meta, data }` or `{ meta, error }`,
 * and the OpenAPI document that is made from them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError, Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import type { HttpRoute } from "../../../../pkg/rpc/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { type Authenticator, bearer } from "../authenticate.ts";
import { policyOf, requirePolicy } from "../policies.ts";
import type { OpenStreams } from "../tasks/open_streams.ts";
import { streamFailure } from "./lines.ts";
import { ProblemError, problemOf } from "./problem.ts";
import type { Answer, RestDeps, Route, StreamAnswer } from "./route.ts";
import { ROUTES } from "./routes.ts";

export type { RestDeps } from "./route.ts";

export interface RestOptions {
  readonly authenticate: Authenticator;
  readonly deps: RestDeps;
  readonly streams: Pick<OpenStreams, "guarded">;
  readonly clock: Clock;
  readonly log: Logger;
  /** The version in the document. */
  readonly version: string;
  /** Ends the open streams of a process that stops. */
  readonly stopping: AbortSignal;
}

const BY_PATH: ReadonlyMap<string, Route> = new Map(ROUTES.map((route) => [route.path, route]));
const DOCUMENT_PATH = "/v2/openapi.json";

/** Answers everything below `/v2/`, unknown routes included. */
export function restRoutes(options: RestOptions): HttpRoute {
  const { clock, log } = options;
  let document: Promise<string> | undefined;
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/v2/")) return undefined;
    if (pathname === DOCUMENT_PATH && request.method === "GET") {
      return documentResponse(await (document ??= documentText(options.version)));
    }
    const requestId = newId("request", clock.now());
    const startedAtMs = clock.now();
    const fields: Record<string, unknown> = {};
    try {
      const given = await answer(options, pathname, request, fields);
      log.debug("rest", line(given.status));
      return "lines" in given ? ndjson(given.lines, requestId) : envelope(given, requestId);
    } catch (error) {
      const { status, title, type, detail, errors } = problemOf(error);
      // A caller without credentials must not be able to fill the log.
      if (fields["key_id"] !== undefined || status >= 500) {
        log[status >= 500 ? "error" : "info"]("rest", { ...line(status), error: describeError(error) });
      }
      await request.body?.cancel().catch(() => undefined);
      const body = { meta: { requestId }, error: { title, type, detail, status, ...(errors && { errors }) } };
      const allow: Record<string, string> = status === 405 ? { allow: allowedOf(pathname) } : {};
      const headers = { "x-request-id": requestId, ...allow, ...retryAfter(error) };
      return Response.json(body, { status, headers });
    }

    function line(status: number): Record<string, unknown> {
      return {
        route: pathname,
        request_id: requestId,
        ...fields,
        status,
        duration_ms: clock.now() - startedAtMs,
      };
    }
  };
}

function allowedOf(pathname: string): string {
  return pathname === DOCUMENT_PATH ? "GET" : "POST";
}

/** The document is made when it is asked for first: it takes milliseconds, which a start need not wait for. */
async function documentText(version: string): Promise<string> {
  const { openApiDocument } = await import("./document.ts");
  return JSON.stringify(openApiDocument(ROUTES, version));
}

function documentResponse(text: string): Response {
  const headers = { "content-type": "application/json", "cache-control": "public, max-age=300" };
  return new Response(text, { headers });
}

function envelope({ status, data }: Answer, requestId: string): Response {
  return Response.json({ meta: { requestId }, data }, { status, headers: { "x-request-id": requestId } });
}

function ndjson(lines: StreamAnswer["lines"], requestId: string): Response {
  const encoded = async function* () {
    for await (const line of lines) yield new Uint8Array(Buffer.from(`${JSON.stringify(line)}\n`));
  };
  const headers = {
    "content-type": "application/x-ndjson",
    "cache-control": "no-store",
    "x-request-id": requestId,
  };
  return new Response(ReadableStream.from(encoded()), { headers });
}

function retryAfter(error: unknown): Record<string, string> {
  const seconds = error instanceof Fault ? error.retryAfterSeconds : undefined;
  return seconds === undefined ? {} : { "retry-after": String(seconds) };
}

async function answer(
  { authenticate, deps, streams, stopping }: RestOptions,
  pathname: string,
  request: Request,
  fields: Record<string, unknown>,
): Promise<Answer | StreamAnswer> {
  const route = BY_PATH.get(pathname);
  if (route === undefined && pathname !== DOCUMENT_PATH) {
    const detail = `There is no route "${pathname.slice(0, 120)}".`;
    throw new ProblemError({ status: 404, type: "application/not_found", detail });
  }
  if (route === undefined || request.method !== "POST") {
    const detail = `This route takes ${allowedOf(pathname)} requests only.`;
    throw new ProblemError({ status: 405, type: "application/method_not_allowed", detail });
  }
  const caller = await authenticateRootKey(authenticate, request.headers);
  Object.assign(fields, { workspace_id: caller.workspaceId, key_id: caller.keyId });
  requirePolicy(policyOf(route.rpc.parent, route.rpc), caller);
  const idempotencyKey = request.headers.get("idempotency-key") ?? "";
  const traceParent = request.headers.get("traceparent");
  const signal = route.streams ? AbortSignal.any([request.signal, stopping]) : request.signal;
  const given = await route.answer({ deps, caller, idempotencyKey, traceParent, signal }, request);
  if (!("lines" in given)) return given;
  const token = bearer(request.headers.get("authorization")) ?? "";
  const guarded = streams.guarded(given.lines, { token, principal: caller });
  return { ...given, lines: untilAborted(guarded, signal) };
}

/** Lines until the client goes away or the process stops; a failure is the last line, since the status is out already. */
async function* untilAborted(lines: AsyncIterable<unknown>, signal: AbortSignal): AsyncGenerator<unknown> {
  try {
    yield* lines;
  } catch (error) {
    if (!signal.aborted) yield streamFailure(error);
  }
}

async function authenticateRootKey(
  authenticate: Authenticator,
  headers: Headers,
): Promise<RootKeyPrincipal> {
  const authorization = headers.get("authorization");
  if (authorization === null) {
    const detail = 'The "Authorization" header is missing. Send "Authorization: Bearer <root key>".';
    throw new ProblemError({ status: 400, type: "authentication/missing", detail });
  }
  if (bearer(authorization) === undefined) {
    const detail = 'The "Authorization" header must have the form "Bearer <root key>".';
    throw new ProblemError({ status: 400, type: "authentication/malformed", detail });
  }
  const principal = await authenticate(headers);
  if (principal.kind === "root_key") return principal;
  const detail = "These credentials are not a root key.";
  throw new ProblemError({ status: 403, type: "authorization/insufficient_permissions", detail });
}
