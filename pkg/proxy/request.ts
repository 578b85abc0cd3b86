import type { Buffer } from "node:buffer";
import { listed, type Parsed, type RequestHead, single } from "./head.ts";
import { HOPS_HEADER, REQUEST_ID_HEADER } from "./forward.ts";
import type { Framing } from "./framing.ts";
import type { Failure, ProxyRequest } from "./types.ts";

const HOST = /^(?:([a-z0-9_](?:[a-z0-9_.-]{0,253}[a-z0-9_.])?)|(\[[0-9a-f:.]{2,45}\]))(?::([0-9]{0,5}))?$/i;
const SANE_ID = /^[A-Za-z0-9_.:\-]{1,128}$/;
const HOPS = /^[0-9]{1,3}$/;

/** The connection that a request came by. */
export interface Peer {
  readonly address: string;
  readonly scheme: "http" | "https";
  readonly newRequestId: () => string;
}

/** The request that a head stands for, or why there is none. */
export function describeRequest(head: RequestHead, peer: Peer): Parsed<ProxyRequest> {
  if (head.method === "CONNECT") return refuse("not_implemented", "This is not a forward proxy: no CONNECT.");
  const hostField = single(head.headers, "host");
  if (hostField === null) return refuse("bad_request", "Host is given more than once.");
  if (hostField === undefined && head.minor === 1) {
    return refuse("bad_request", "The Host header is missing.");
  }
  const place = splitTarget(head);
  if (place === undefined) return refuse("bad_request", "The request target must be a path.");
  const { authority = hostField } = place;
  if (hostField !== undefined && authority?.toLowerCase() !== hostField.toLowerCase()) {
    return refuse("bad_request", "The request target and the Host header name different hosts.");
  }
  // HTTP/1.0 has no Host, and HTTP/1.1 an empty one where there is no name (RFC 9112, 3.2).
  const hostHeader = authority ?? "";
  const host = hostHeader === "" ? "" : hostName(hostHeader);
  if (host === undefined) return refuse("bad_request", "The Host header is malformed.");
  const given = single(head.headers, REQUEST_ID_HEADER);
  const hops = single(head.headers, HOPS_HEADER) ?? "0";
  return {
    ok: true,
    value: {
      id: typeof given === "string" && SANE_ID.test(given) ? given : peer.newRequestId(),
      method: head.method,
      target: place.target,
      host,
      hostHeader,
      headers: head.headers,
      clientAddress: peer.address,
      scheme: peer.scheme,
      hops: HOPS.test(hops) ? Number(hops) : 999,
    },
  };
}

/** The host that a request which was not read seems to be for, to tell the owner of the app; nothing is routed by it. */
export function likelyHost(bytes: Buffer, end: number): string | undefined {
  const found = /\r\nHost:[ \t]*([^\s]{1,255})[ \t]*\r\n/i.exec(bytes.toString("latin1", 0, end));
  return found?.[1] === undefined ? undefined : hostName(found[1]);
}

/** The name in a Host header: lower case, without port and trailing dot; `undefined` when it cannot be one. */
export function hostName(header: string): string | undefined {
  const match = HOST.exec(header);
  const name = (match?.[1] ?? match?.[2])?.toLowerCase();
  if (match === null || name === undefined || Number(match[3] ?? 0) > 65_535) return undefined;
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

function splitTarget(head: RequestHead): { target: string; authority: string | undefined } | undefined {
  const { target } = head;
  if (target.startsWith("/")) return { target, authority: undefined };
  if (target === "*") return head.method === "OPTIONS" ? { target, authority: undefined } : undefined;
  const match = /^https?:\/\/([^/?#@]+)(.*)$/i.exec(target);
  if (match === null) return undefined;
  const [, authority = "", rest = ""] = match;
  return { target: rest.startsWith("/") ? rest : `/${rest}`, authority };
}

/** True if the client wants its connection to go on. */
export function keepsAlive(head: RequestHead): boolean {
  const tokens = listed(head.headers, "connection");
  return head.minor === 1 ? !tokens.includes("close") : tokens.includes("keep-alive");
}

/** The protocol to switch to. HTTP/2 in clear text is not one: what follows could not be checked any more. */
export function upgradeOf(head: RequestHead, framing: Framing): string | undefined {
  if (head.minor === 0 || framing.kind !== "none") return undefined;
  const protocol = single(head.headers, "upgrade");
  if (typeof protocol !== "string" || /(^|,)\s*h2c\s*(,|$)/i.test(protocol)) return undefined;
  return listed(head.headers, "connection").includes("upgrade") ? protocol : undefined;
}

/** Methods whose repetition changes nothing, so that a request may be sent again when it was not answered. */
export function isRepeatable(head: RequestHead): boolean {
  if (["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"].includes(head.method)) return true;
  return head.headers.some((each) => each.lower === "idempotency-key");
}

/** The only expectation there is; another one is refused. */
export function expectationProblem(head: RequestHead): Failure | undefined {
  const expect = single(head.headers, "expect");
  if (expect === undefined || (expect !== null && expect.toLowerCase() === "100-continue")) return undefined;
  return { kind: "expectation_failed", detail: "The only expectation understood is 100-continue." };
}

function refuse(kind: Failure["kind"], detail: string): { ok: false; failure: Failure } {
  return { ok: false, failure: { kind, detail } };
}
