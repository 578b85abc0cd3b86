import type { Framing } from "./framing.ts";
import { listed, type RequestHead, type ResponseHead } from "./head.ts";
import type { Answer, HeaderField, ProxyRequest } from "./types.ts";

/** Counts the proxies of this kind that a request has passed. Not `Via`: servers stop compressing when they see that. */
export const HOPS_HEADER = "x-unkey-hops";
export const REQUEST_ID_HEADER = "x-request-id";
export const STRICT_TRANSPORT = "strict-transport-security";

/** Fields that speak about one connection, and so end here. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Set again on every request, whatever the client sent. */
const REPLACED = new Set([
  "content-length",
  "expect",
  "forwarded",
  "host",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  REQUEST_ID_HEADER,
  HOPS_HEADER,
]);

/** Speaks for a client that is behind a proxy; the ones that are set here are a few of them. */
const FORWARDED = /^x-forwarded(-|$)/;
const UNUSUAL = /[^a-z0-9-]/;
const UNUSUAL_ALL = /[^a-z0-9-]/g;

/**
 * The name that an app may see: servers that hand fields on as variables make one and the same of `X-Forwarded-For` and
 * `X_Forwarded_For`, some of them also of `X.Forwarded.For`.
 */
function asVariable(lower: string): string {
  return UNUSUAL.test(lower) ? lower.replace(UNUSUAL_ALL, "-") : lower;
}

/** True if a client may not send the field to the app, under this name or one that an app could take for it. */
function endsHere(lower: string, trusted: boolean): boolean {
  const name = asVariable(lower);
  if (HOP_BY_HOP.has(name) || REPLACED.has(name)) return true;
  // A proxy that is believed sets the proper name, and passes the others on from their senders.
  return (!trusted || name !== lower) && FORWARDED.test(name);
}

/** A `Connection` field may name more fields of the connection, but never take these away from the message. */
const KEPT = new Set(["host", "content-length", "content-type", "date", "set-cookie", "cache-control"]);

const NO_TOKENS: ReadonlySet<string> = new Set();

function connectionTokens(headers: readonly HeaderField[]): ReadonlySet<string> {
  for (const each of headers) {
    if (each.lower === "connection") {
      return new Set(listed(headers, "connection").filter((token) => !KEPT.has(token)));
    }
  }
  return NO_TOKENS;
}

export interface ForwardOptions {
  readonly framing: Framing;
  /** The protocol to switch to, when the client asks for one that may pass. */
  readonly upgrade: string | undefined;
  /** True if the client's own forwarding fields are believed. */
  readonly trusted: boolean;
}

/**
 * Calls `add` with each field that a request has for its app, except for its host, its length and those of one
 * connection: names, order and repetition as the client had them, then those that tell about the client. `between` is
 * called between the two.
 */
export function eachForwarded(
  request: ProxyRequest,
  head: RequestHead,
  { trusted }: Pick<ForwardOptions, "trusted">,
  add: (name: string, lower: string, value: string) => void,
  between: (takesTrailers: boolean) => void,
): void {
  const tokens = connectionTokens(head.headers);
  let previousFor = "";
  let proto: string = request.scheme;
  let forwardedHost = request.hostHeader;
  let trailers = false;
  for (const { name, lower, value } of head.headers) {
    if (lower === "te") trailers ||= /(^|,)\s*trailers\s*($|;|,)/i.test(value);
    if (lower === "expect" && head.minor === 1) add(name, lower, value);
    if (trusted && lower === "x-forwarded-for") previousFor += `${value}, `;
    if (trusted && lower === "x-forwarded-proto") proto = value;
    if (trusted && lower === "x-forwarded-host") forwardedHost = value;
    if (endsHere(lower, trusted) || tokens.has(lower)) continue;
    add(name, lower, value);
  }
  between(trailers);
  add("X-Forwarded-For", "x-forwarded-for", previousFor + request.clientAddress);
  add("X-Forwarded-Host", "x-forwarded-host", forwardedHost);
  add("X-Forwarded-Proto", "x-forwarded-proto", proto);
  add("X-Request-Id", REQUEST_ID_HEADER, request.id);
  add("X-Unkey-Hops", HOPS_HEADER, String(request.hops + 1));
}

/** The head to send upstream. */
export function forwardedRequest(request: ProxyRequest, head: RequestHead, options: ForwardOptions): string {
  const { framing, upgrade } = options;
  let text = `${request.method} ${request.target} HTTP/1.1\r\nHost: ${request.hostHeader}\r\n`;
  const add = (name: string, _lower: string, value: string): void => {
    text += `${name}: ${value}\r\n`;
  };
  eachForwarded(request, head, options, add, (takesTrailers) => {
    if (framing.kind === "length") text += `Content-Length: ${framing.bytes}\r\n`;
    else if (framing.kind === "chunked") text += "Transfer-Encoding: chunked\r\n";
    else if (head.headers.some((each) => each.lower === "content-length")) text += "Content-Length: 0\r\n";
    if (upgrade !== undefined) text += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
    else if (takesTrailers) text += "Connection: TE\r\nTE: trailers\r\n";
  });
  return `${text}\r\n`;
}

/** The form in which a response is written to the client. */
export interface ResponsePlan {
  readonly head: string;
  /** True if the body is written in chunks; else as it comes. */
  readonly chunked: boolean;
}

export interface ResponseOptions {
  readonly requestId: string;
  /** The client's HTTP/1.x version. */
  readonly clientMinor: 0 | 1;
  readonly framing: Framing;
  /** True if the client's connection goes on after this response. A body that ends with the connection prevents it. */
  readonly keepAlive: boolean;
  /** The value of `Strict-Transport-Security`, for responses that have none. */
  readonly strictTransport?: string | undefined;
}

/** The head to send to the client, and how its body follows. */
export function forwardedResponse(head: ResponseHead, options: ResponseOptions): ResponsePlan {
  const { framing, clientMinor, keepAlive, requestId } = options;
  const unknownLength = framing.kind === "chunked" || framing.kind === "close";
  const chunked = unknownLength && clientMinor === 1;
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
  const { fields, hasId, length } = endToEnd(head);
  text += fields;
  if (length !== undefined && !unknownLength && head.status !== 204) text += `Content-Length: ${length}\r\n`;
  if (chunked) text += "Transfer-Encoding: chunked\r\n";
  if (!hasId) text += `X-Request-Id: ${requestId}\r\n`;
  const { strictTransport } = options;
  if (strictTransport !== undefined && !head.headers.some((each) => each.lower === STRICT_TRANSPORT)) {
    text += `Strict-Transport-Security: ${strictTransport}\r\n`;
  }
  if (!keepAlive) text += "Connection: close\r\n";
  else if (clientMinor === 0) text += "Connection: keep-alive\r\n";
  return { head: `${text}\r\n`, chunked };
}

/** An interim response or a switch of protocols, for the client. */
export function forwardedInterim(head: ResponseHead, upgrade: string | undefined): string {
  const text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${endToEnd(head).fields}`;
  return upgrade === undefined ? `${text}\r\n` : `${text}Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
}

/** The fields of a response that are for its client, and its length. */
export function endToEndFields(
  head: ResponseHead,
): { readonly fields: readonly HeaderField[]; readonly length: string | undefined } {
  const tokens = connectionTokens(head.headers);
  const fields: HeaderField[] = [];
  let length: string | undefined;
  for (const field of head.headers) {
    const { lower, value } = field;
    if (lower === "content-length") length ??= value.split(",")[0]?.trim();
    else if (!HOP_BY_HOP.has(lower) && !tokens.has(lower)) fields.push(field);
  }
  return { fields, length };
}

function endToEnd(head: ResponseHead): { fields: string; hasId: boolean; length: string | undefined } {
  const { fields, length } = endToEndFields(head);
  let text = "";
  let hasId = false;
  // A client that must upgrade needs the name of the protocol.
  if (head.status === 426) {
    for (const { lower, value } of head.headers) if (lower === "upgrade") text += `Upgrade: ${value}\r\n`;
  }
  for (const { name, lower, value } of fields) {
    if (lower === REQUEST_ID_HEADER) hasId = true;
    text += `${name}: ${value}\r\n`;
  }
  return { fields: text, hasId, length };
}

/** Fields that may not be trailers: a reader that gets them late has already acted without them. */
const NEVER_TRAILERS = new Set(["trailer", "authorization", "cookie", "set-cookie"]);

/** The trailers that may be passed on. */
export function endToEndTrailers(trailers: readonly HeaderField[]): readonly HeaderField[] {
  if (trailers.length === 0) return trailers;
  return trailers.filter(({ lower }) => !endsHere(lower, false) && !NEVER_TRAILERS.has(asVariable(lower)));
}

/** The end of a chunked body. */
export function chunkedTail(trailers: readonly HeaderField[]): string {
  let text = "0\r\n";
  for (const { name, value } of endToEndTrailers(trailers)) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}

/** The head of a response that is made here, for a body of `length` bytes. */
export function answerHead(
  answer: Answer,
  options: {
    readonly requestId: string;
    readonly length: number;
    readonly close: boolean;
    readonly strictTransport?: string | undefined;
  },
): string {
  let text = `HTTP/1.1 ${answer.status} ${reasonOf(answer.status)}\r\n`;
  for (const [name, value] of answer.headers) text += `${name}: ${value}\r\n`;
  text += `Content-Length: ${options.length}\r\nX-Request-Id: ${options.requestId}\r\n`;
  if (options.strictTransport !== undefined) {
    text += `Strict-Transport-Security: ${options.strictTransport}\r\n`;
  }
  if (options.close) text += "Connection: close\r\n";
  return `${text}\r\n`;
}

/** The phrase behind the status in HTTP/1.1, for the statuses that are given here. */
export function reasonOf(status: number): string {
  return REASONS[status] ?? "";
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  303: "See Other",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  508: "Loop Detected",
};
