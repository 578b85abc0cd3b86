import type { Buffer } from "node:buffer";
import type { Framing } from "./framing.ts";
import type { RequestHead, ResponseHead } from "./head.ts";
import type { UpstreamConnection } from "./pool.ts";
import type { Failure, HeaderField, ProxyRequest, Upstream } from "./types.ts";

/** The head of a request, as far as a link needs it. */
export interface RequestStart {
  readonly request: ProxyRequest;
  readonly head: RequestHead;
  readonly framing: Framing;
  /** The protocol to switch to, when the client asks for one that may pass. */
  readonly upgrade: string | undefined;
  /** True if the client's own forwarding fields are believed. */
  readonly trusted: boolean;
}

/** Everything that one step adds to a request. */
export interface RequestPart {
  readonly start?: RequestStart | undefined;
  /** Valid during the call only. */
  readonly slices: readonly Buffer[];
  /** Given with the end of the body. */
  readonly trailers?: readonly HeaderField[] | undefined;
}

/** Everything that one step adds to the response that counts. */
export interface ResponsePart {
  readonly start?: { readonly head: ResponseHead; readonly framing: Framing } | undefined;
  /** Valid during the call only. */
  readonly slices: readonly Buffer[];
  /** Given with the end of the body. */
  readonly trailers?: readonly HeaderField[] | undefined;
}

/** One request and its response on a connection to an upstream, whatever the protocol. */
export interface UpstreamLink {
  readonly upstream: Upstream;
  /** True if the connection served a request before: the app may have closed it meanwhile. */
  readonly used: boolean;
  /** True if nothing at all has come from the app. */
  readonly untouched: boolean;
  /** Tells `user` from now on what comes. */
  open(user: LinkUser): void;
  /** Sends more of the request; false when the app takes no more for now. */
  send(part: RequestPart): boolean;
  /** Lets no more of the response come. */
  pause(): void;
  resume(): void;
  /** Ends the link. `whole`: request and response are complete, so that the connection may serve another request. */
  release(whole: boolean): void;
}

/** The events of a link, for its exchange. Nothing comes after `release`. */
export interface LinkUser {
  interim(head: ResponseHead): void;
  response(part: ResponsePart): void;
  /** Both sides speak another protocol from here on; `early` came after the head. The link is over. */
  switched(head: ResponseHead, connection: UpstreamConnection, early: Buffer): void;
  /** The app sent no valid response. */
  invalid(failure: Failure): void;
  /** The connection went away before the response was complete. `unprocessed`: the app says that it did nothing. */
  lost(cause: string, unprocessed?: boolean): void;
  /** More of the request can be sent. */
  drained(): void;
}
