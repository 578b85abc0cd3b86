import { randomBytes } from "node:crypto";
import type { Field, FieldToSend } from "../http2/mod.ts";
import { endToEndFields, STRICT_TRANSPORT } from "./forward.ts";
import type { Framing } from "./framing.ts";
import { isFieldName, isFieldValue, type Parsed, type RequestHead, type ResponseHead } from "./head.ts";
import type { Failure, HeaderField } from "./types.ts";

/** The pseudo-fields of a request. */
interface Pseudo {
  method?: string;
  scheme?: string;
  path?: string;
  authority?: string;
  protocol?: string;
}

/** A request as HTTP/1.1 would have it. */
export interface TranslatedRequest {
  readonly head: RequestHead;
  readonly framing: Framing;
  /** True if the client opens a WebSocket (RFC 8441). */
  readonly webSocket: boolean;
}

const NAMES: Readonly<Record<string, keyof Pseudo>> = {
  ":method": "method",
  ":scheme": "scheme",
  ":path": "path",
  ":authority": "authority",
  ":protocol": "protocol",
};
/** Fields of an HTTP/1.1 connection, which a request may not have. */
const CONNECTION_FIELDS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);
const LENGTH = /^[0-9]{1,15}$/;
const WITH_BODY = new Set(["POST", "PUT", "PATCH"]);

/**
 * Translates the fields of a request into a head of HTTP/1.1, and finds how its body is framed there. What is not
 * exactly right is refused: an app would read it as another request.
 *
 * @param end no body follows
 */
export function translateRequest(
  fields: readonly Field[],
  options: { readonly end: boolean; readonly headersMax: number },
): Parsed<TranslatedRequest> {
  const pseudo: Pseudo = {};
  const headers: HeaderField[] = [];
  const cookies: string[] = [];
  for (const field of fields) {
    const problem = takeField(field, { pseudo, headers, cookies });
    if (problem !== undefined) return refuse(problem);
    if (headers.length > options.headersMax) {
      return refuse(`There are more than ${options.headersMax} headers.`, "header_too_large");
    }
  }
  // Clients send one field for each cookie; in HTTP/1.1 there is one for all.
  if (cookies.length > 0) headers.push({ name: "cookie", lower: "cookie", value: cookies.join("; ") });
  const { method, path, scheme, authority, protocol } = pseudo;
  if (method === undefined || !isFieldName(method)) return refuse("The pseudo-header :method is malformed.");
  const webSocket = method === "CONNECT" && protocol === "websocket" && !options.end;
  if (protocol !== undefined && !webSocket) return refuse("The only :protocol understood is websocket.");
  if (method === "CONNECT" && !webSocket) {
    return refuse("This is not a forward proxy: no CONNECT.", "not_implemented");
  }
  if (path === undefined || path === "" || scheme === undefined) {
    return refuse("The pseudo-headers :path and :scheme are needed.");
  }
  if (/[\0-\x20\x7f]/.test(path)) return refuse("The request target holds a control character or a blank.");
  const hosts = headers.filter((each) => each.lower === "host");
  const [host] = hosts;
  if (authority !== undefined && hosts.some((each) => each.value.toLowerCase() !== authority.toLowerCase())) {
    return refuse("The pseudo-header :authority and the Host header name different hosts.");
  }
  if (authority !== undefined && host === undefined) {
    headers.unshift({ name: "host", lower: "host", value: authority });
  }
  if (webSocket) return { ok: true, value: webSocketRequest(path, headers) };
  const framing = framingOf(headers, method, options.end);
  if (!framing.ok) return framing;
  return {
    ok: true,
    value: { head: { method, target: path, minor: 1, headers }, framing: framing.value, webSocket },
  };
}

function takeField(
  field: Field,
  into: { pseudo: Pseudo; headers: HeaderField[]; cookies: string[] },
): string | undefined {
  const { name, value } = field;
  if (!isFieldValue(value)) return "A header holds a control character.";
  if (name.startsWith(":")) {
    const key = NAMES[name];
    if (key === undefined || into.headers.length > 0 || into.cookies.length > 0) {
      return "A pseudo-header is unknown or after a header.";
    }
    if (into.pseudo[key] !== undefined) return `The pseudo-header ${name} is given more than once.`;
    into.pseudo[key] = value;
    return undefined;
  }
  if (!isFieldName(name) || name !== name.toLowerCase()) return "The name of a header is malformed.";
  if (CONNECTION_FIELDS.has(name)) return `HTTP/2 has no header "${name}".`;
  if (name === "te" && value.toLowerCase() !== "trailers") return "The only TE in HTTP/2 is trailers.";
  if (name === "cookie") into.cookies.push(value);
  else into.headers.push(field);
  return undefined;
}

function framingOf(headers: HeaderField[], method: string, end: boolean): Parsed<Framing> {
  const lengths = headers.filter((each) => each.lower === "content-length");
  const [length, second] = lengths;
  if (second !== undefined) return refuse("Content-Length is given more than once.");
  if (length !== undefined && !LENGTH.test(length.value)) return refuse("Content-Length is not a number.");
  const bytes = length === undefined ? undefined : Number(length.value);
  if (end) {
    if (bytes !== undefined && bytes > 0) return refuse("There is a Content-Length, and no body.");
    // Without a length, servers of HTTP/1.1 may wait for the body or refuse the request.
    if (length === undefined && WITH_BODY.has(method)) {
      headers.push({ name: "content-length", lower: "content-length", value: "0" });
    }
    return { ok: true, value: { kind: "none" } };
  }
  if (bytes === undefined) return { ok: true, value: { kind: "chunked" } };
  return { ok: true, value: bytes === 0 ? { kind: "none" } : { kind: "length", bytes } };
}

/** The opening handshake of HTTP/1.1 for a WebSocket over HTTP/2. */
function webSocketRequest(path: string, headers: readonly HeaderField[]): TranslatedRequest {
  const add = (name: string, value: string): HeaderField => ({ name, lower: name.toLowerCase(), value });
  return {
    head: {
      method: "GET",
      target: path,
      minor: 1,
      headers: [
        ...headers.filter(({ lower }) => lower !== "sec-websocket-key" && lower !== "content-length"),
        add("Connection", "Upgrade"),
        add("Upgrade", "websocket"),
        add("Sec-WebSocket-Key", randomBytes(16).toString("base64")),
      ],
    },
    framing: { kind: "none" },
    webSocket: true,
  };
}

/** The fields of a response for a client of HTTP/2. */
export function translateResponse(
  head: ResponseHead,
  options: {
    readonly framing: Framing;
    readonly requestId: string;
    readonly strictTransport: string | undefined;
  },
): FieldToSend[] {
  const { fields, length } = endToEndFields(head);
  const out: FieldToSend[] = [{ lower: ":status", value: String(head.status) }, ...fields];
  const { kind } = options.framing;
  const known = kind !== "chunked" && kind !== "close";
  if (length !== undefined && known && head.status !== 204) {
    out.push({ lower: "content-length", value: length });
  }
  if (!fields.some((each) => each.lower === "x-request-id")) {
    out.push({ lower: "x-request-id", value: options.requestId });
  }
  const { strictTransport } = options;
  if (strictTransport !== undefined && !fields.some((each) => each.lower === STRICT_TRANSPORT)) {
    out.push({ lower: STRICT_TRANSPORT, value: strictTransport });
  }
  return out;
}

/** The fields of an interim response. */
export function translateInterim(head: ResponseHead): FieldToSend[] {
  return [{ lower: ":status", value: String(head.status) }, ...endToEndFields(head).fields];
}

function refuse(detail: string, kind: Failure["kind"] = "bad_request"): { ok: false; failure: Failure } {
  return { ok: false, failure: { kind, detail } };
}
