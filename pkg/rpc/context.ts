import type { DescMethod } from "@bufbuild/protobuf";
import { type ContextValues, createContextValues, type HandlerContext } from "@connectrpc/connect";

/** Where interceptors leave the context for the handler. */
export const CONTEXT = { id: Symbol("call context"), defaultValue: undefined as HandlerContext | undefined };

/** Messages are never on shared memory, which is all that the type leaves open. */
export function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : new Uint8Array(bytes);
}

/** A handler's context whose signal exists only if somebody looks at it: most calls are over before they could abort. */
export class CallContext implements HandlerContext {
  readonly method: DescMethod;
  readonly service: HandlerContext["service"];
  readonly requestMethod: string;
  readonly protocolName = "connect";
  readonly url: string;
  readonly requestHeader: Headers;
  readonly responseHeader = new Headers();
  readonly responseTrailer = new Headers();
  readonly values: ContextValues = createContextValues();
  readonly #request: Request;
  readonly #shutdownSignal: AbortSignal | undefined;
  #controller: AbortController | undefined;

  constructor(request: Request, method: DescMethod, shutdownSignal: AbortSignal | undefined) {
    this.#request = request;
    this.#shutdownSignal = shutdownSignal;
    this.method = method;
    this.service = method.parent;
    this.requestMethod = request.method;
    this.url = request.url;
    this.requestHeader = request.headers;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      for (const source of [this.#request.signal, this.#shutdownSignal]) {
        if (source?.aborted) this.#controller.abort(source.reason);
        else source?.addEventListener("abort", this.#abort);
      }
    }
    return this.#controller.signal;
  }

  timeoutMs(): undefined {
    return undefined;
  }

  /** Lets go of the signals that outlive the call, and aborts its own. */
  end(): void {
    if (this.#controller === undefined) return;
    for (const source of [this.#request.signal, this.#shutdownSignal]) {
      source?.removeEventListener("abort", this.#abort);
    }
    this.#controller.abort();
  }

  readonly #abort = (event: Event): void => {
    this.#controller?.abort(event.target instanceof AbortSignal ? event.target.reason : undefined);
  };
}
