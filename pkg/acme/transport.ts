/** The one way to an authority: bounded, abortable, with the authority's own problem documents as errors. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../clock/mod.ts";
import { CaProblem } from "./outcome.ts";
import { parseRetryAfter } from "./retry_after.ts";
import type { Traffic } from "./traffic.ts";

const REQUEST_MS_MAX = 30_000;
/** A chain is some kilobytes. */
const BODY_BYTES_MAX = 512 * 1024;
const DETAIL_CHARS_MAX = 500;
const USER_AGENT = "unkey (acme-client)";
const NEXT = /<([^>]{1,2000})>;\s*rel="next"/;
const URN = /^urn:ietf:params:acme:error:([A-Za-z]{1,64})$/;

/** One call of ours, which may be several requests of the library. */
export interface Scope {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Trusts a private authority's own certificate. */
  readonly http: Deno.HttpClient | undefined;
  readonly traffic: Traffic;
  /** Of the last answer. */
  retryAtMs?: number | undefined;
  /** The next page of a list, by the last answer. */
  nextUrl?: string | undefined;
  /** The last refusal of a nonce, which the library answers with another try. */
  nonceProblem?: CaProblem;
}

export const scopes: AsyncLocalStorage<Scope> = new AsyncLocalStorage();

export interface CaRequest {
  readonly url: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface CaAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/**
 * Sends a request, unless its answer is at hand.
 *
 * @throws `CaProblem` for anything but a success, except that a refused nonce is an answer
 */
export async function send(scope: Scope, request: CaRequest): Promise<CaAnswer> {
  scope.signal.throwIfAborted();
  const { traffic } = scope;
  const isDirectory = request.method === "GET" && request.url === traffic.directoryUrl;
  const known = isDirectory ? traffic.directory : undefined;
  if (known !== undefined) return { status: 200, headers: {}, text: known };
  const nonce = request.method === "HEAD" ? traffic.takeNonce() : undefined;
  if (nonce !== undefined) return { status: 200, headers: { [NONCE]: nonce }, text: "" };
  await traffic.turn(scope.signal);
  const answer = await ask(scope, request);
  // The library uses those of a refused nonce and of a HEAD by itself.
  const next = request.method === "POST" && answer.status < 400 ? answer.headers[NONCE] : undefined;
  if (next !== undefined) traffic.keepNonce(next);
  if (isDirectory) traffic.keepDirectory(answer.text);
  return answer;
}

const NONCE = "replay-nonce";

async function ask(scope: Scope, { url, method, headers = {}, body }: CaRequest): Promise<CaAnswer> {
  const { clock, http, signal } = scope;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), REQUEST_MS_MAX);
  let answer: CaAnswer;
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, "user-agent": USER_AGENT },
      redirect: "error",
      signal: AbortSignal.any([signal, late.signal]),
      ...(http === undefined ? {} : { client: http }),
      ...(body === undefined ? {} : { body }),
    });
    answer = {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: await textOf(response),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CaProblem) throw error;
    const host = new URL(url).host;
    const text = late.signal.aborted
      ? `${host} did not answer within ${REQUEST_MS_MAX} ms`
      : `${host} cannot be reached`;
    throw new CaProblem(text, { status: 0, type: "unreachable", cause: error });
  } finally {
    clearTimeout(timer);
  }
  scope.retryAtMs = parseRetryAfter(answer.headers["retry-after"], clock.now());
  scope.nextUrl = NEXT.exec(answer.headers["link"] ?? "")?.[1];
  if (answer.status < 400) return answer;
  const problem = problemOf(answer, scope.retryAtMs);
  if (problem.type !== "badNonce") throw problem;
  scope.nonceProblem = problem;
  return answer;
}

async function textOf(response: Response): Promise<string> {
  let [text, bytes] = ["", 0];
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) {
      const problem = `an answer of more than ${BODY_BYTES_MAX} bytes`;
      throw new CaProblem(problem, { status: 0, type: "too_large" });
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function problemOf({ status, text }: CaAnswer, retryAtMs: number | undefined): CaProblem {
  const { type, detail } = readProblem(text);
  return new CaProblem(detail ?? `status ${status}`, { status, type: type ?? `status ${status}`, retryAtMs });
}

/** Type and detail of a problem document (RFC 9457), as far as the text is one. */
export function readProblem(document: unknown): { readonly type?: string; readonly detail?: string } {
  const value = typeof document === "string" ? parsed(document) : document;
  if (typeof value !== "object" || value === null) return {};
  const fields = new Map<string, unknown>(Object.entries(value));
  const [urn, detail] = [fields.get("type"), fields.get("detail")];
  const type = typeof urn === "string" ? URN.exec(urn)?.[1] : undefined;
  return {
    ...(type === undefined ? {} : { type }),
    ...(typeof detail === "string" ? { detail: detail.slice(0, DETAIL_CHARS_MAX) } : {}),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
