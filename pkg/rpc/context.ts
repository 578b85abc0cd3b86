import type { Socket } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import {
  type ContextValues,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import { isVerifiedClient } from "../tls/mod.ts";
import { isGone } from "./body.ts";
import { RequestHeaders } from "./headers.ts";
import type { NodeRequest, Outgoing } from "./node_http.ts";

/** Where interceptors leave the context for the handler. */
export const CONTEXT = { id: Symbol("call context"), defaultValue: undefined as HandlerContext | undefined };

/** Where the handler of a stream finds how to write beside it. */
const SEND_NOW = createContextKey<SendNow | undefined>(undefined, { description: "send now" });

/** The connection that a call came on. */
const SOCKET = createContextKey<Socket | undefined>(undefined, { description: "socket" });

/** Values for the context of a call. */
export function callValues({ socket }: NodeRequest): ContextValues {
  return createContextValues().set(SOCKET, socket);
}

/** True if the caller's connection has shown a certificate of the authority that the server asks for. */
export function hasClientCertificate(values: ContextValues): boolean {
  return isVerifiedClient(values.get(SOCKET));
}

/** Writes a message of the method's output, or answers false: then it has to go through the stream. */
export type SendNow = (message: object) => boolean;

/** The connection that a stream is sent on. */
export interface StreamClient {
  /** Aborts when the client is gone or the server stops. */
  readonly signal: AbortSignal;
  /**
   * Writes while the stream waits for its next message, without waking its handler. Signs of life are nearly
   * all that most streams send. `undefined` where the protocol has no way to.
   */
  readonly sendNow: SendNow | undefined;
}

/** The client of the stream that `context` belongs to. */
export function streamClientOf({ signal, values }: HandlerContext): StreamClient {
  return { signal, sendNow: values.get(SEND_NOW) };
}

/** Gives the handler of a stream its way to write beside it. */
export function offerSendNow(values: ContextValues, sendNow: SendNow): void {
  values.set(SEND_NOW, sendNow);
}

/** The calls that are under way and would want to know that the server stops. */
export class OpenCalls {
  readonly #calls = new Set<CallContext>();
  readonly #stopping: AbortSignal | undefined;

  constructor(stopping: AbortSignal | undefined) {
    this.#stopping = stopping;
    stopping?.addEventListener("abort", () => {
      for (const call of [...this.#calls]) call.abort(stopping.reason);
    }, { once: true });
  }

  add(call: CallContext): void {
    if (this.#stopping?.aborted) call.abort(this.#stopping.reason);
    else this.#calls.add(call);
  }

  delete(call: CallContext): void {
    this.#calls.delete(call);
  }
}

/** A handler's context whose signal is made when it is read: most calls are over before they could abort. */
export class CallContext implements HandlerContext {
  readonly method: DescMethod;
  readonly service: HandlerContext["service"];
  readonly requestMethod: string;
  readonly protocolName = "connect";
  readonly url: string;
  readonly requestHeader: Headers;
  readonly responseHeader = new Headers();
  readonly responseTrailer = new Headers();
  readonly values: ContextValues;
  readonly #response: Outgoing;
  readonly #open: OpenCalls;
  #controller: AbortController | undefined;

  constructor(request: NodeRequest, response: Outgoing, { method, open }: ContextOptions) {
    this.#response = response;
    this.#open = open;
    this.values = callValues(request);
    this.method = method;
    this.service = method.parent;
    this.requestMethod = request.method ?? "POST";
    this.url = urlOf(request);
    this.requestHeader = new RequestHeaders(request.headers);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      this.#open.add(this);
      if (isGone(this.#response)) this.abort(undefined);
      else this.#response.once("close", this.#gone);
    }
    return this.#controller.signal;
  }

  timeoutMs(): undefined {
    return undefined;
  }

  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  /** Lets go of what outlives the call, and aborts its signal. */
  end(): void {
    if (this.#controller === undefined) return;
    this.#open.delete(this);
    this.#response.off("close", this.#gone);
    this.#controller.abort();
  }

  readonly #gone = (): void => this.abort(undefined);
}

interface ContextOptions {
  readonly method: DescMethod;
  readonly open: OpenCalls;
}

/** The absolute URL, of which clients send the parts. */
export function urlOf({ url = "/", headers }: NodeRequest): string {
  return `http://${headers.host ?? "localhost"}${url}`;
}

/** The path of the URL. */
export function pathOf({ url = "/" }: NodeRequest): string {
  const end = url.search(/[?#]/);
  return end < 0 ? url : url.slice(0, end);
}
