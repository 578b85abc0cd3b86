/** A stream is authenticated once and stays open for days, so its credential is checked again for as long as it is open. */
import type { Interceptor } from "@connectrpc/connect";
import { isDeepStrictEqual } from "node:util";
import type { Fault } from "../../../../pkg/fault/mod.ts";
import { callerOf, type Principal } from "../../internal/auth/principal.ts";
import { admittedToken, type Credentials, unauthenticated } from "../authenticate.ts";
import { type LoopDeps, repeat } from "./repeat.ts";

/** A revoked credential's streams end with the first or second sweep after. */
const SWEEP_MS = 6_000;
/** The same while the database fails. */
const SWEEP_MS_MAX = 12_000;

/** An open stream and the credential that opened it. */
interface OpenStream extends StreamOpener {
  end(reason: Fault): void;
}

/** The credential that opened a stream. */
export interface StreamOpener {
  readonly token: string;
  readonly principal: Principal;
}

/** The open streams of this process. */
export interface OpenStreams {
  /** Registers streams while they are read. */
  readonly interceptor: Interceptor;
  /** The messages of a stream that is no RPC, registered in the same way. */
  guarded<T>(messages: AsyncIterable<T>, opener: StreamOpener): AsyncIterable<T>;
  /**
   * Repeats until `signal` aborts: ends streams whose credential is unknown or stands for another principal. A database
   * error ends none.
   */
  sweep(deps: LoopDeps, signal: AbortSignal): Promise<void>;
}

/** One sweep for all streams: one query per many credentials, and none without streams. */
export function watchOpenStreams(credentials: Credentials): OpenStreams {
  const open = new Set<OpenStream>();
  const interceptor: Interceptor = (next) => async (request) => {
    const response = await next(request);
    if (!response.stream) return response;
    const token = admittedToken(request.header);
    const principal = callerOf(request.contextValues);
    // The service token is part of this process's configuration, and ends with the process.
    if (token === undefined || principal === undefined || principal.kind === "service") return response;
    return { ...response, message: revocable(response.message, { token, principal, open }) };
  };
  const look = async (): Promise<void> => {
    if (open.size === 0) return;
    const principals = await credentials.lookAgain(new Set([...open].map(({ token }) => token)));
    for (const stream of [...open]) {
      // A stream that was opened meanwhile has just been authenticated.
      if (!principals.has(stream.token)) continue;
      const now = principals.get(stream.token);
      if (now === undefined) stream.end(unauthenticated("revoked while the stream was open"));
      else if (!isDeepStrictEqual(now, stream.principal)) {
        stream.end(unauthenticated("principal has changed"));
      }
    }
  };
  return {
    interceptor,
    guarded: (messages, opener) => revocable(messages, { ...opener, open }),
    sweep: (deps, signal) => repeat(deps, signal, SWEEP_MS, look, SWEEP_MS_MAX),
  };
}

/** A stream is registered with the first read of its messages. */
interface Registration extends StreamOpener {
  readonly open: Set<OpenStream>;
}

function revocable<T>(messages: AsyncIterable<T>, registration: Registration): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => new RevocableStream(messages[Symbol.asyncIterator](), registration),
  };
}

/**
 * Messages that can be ended from outside, also while the next one is awaited. The awaited promise is left alone: it
 * ends with the call.
 */
class RevocableStream<T> implements AsyncIterableIterator<T>, OpenStream {
  readonly token: string;
  readonly principal: Principal;
  readonly #messages: AsyncIterator<T>;
  readonly #open: Set<OpenStream>;
  #reject: ((reason: Fault) => void) | undefined;
  #ended: Fault | undefined;

  constructor(messages: AsyncIterator<T>, { token, principal, open }: Registration) {
    this.#messages = messages;
    this.token = token;
    this.principal = principal;
    this.#open = open;
    open.add(this);
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#messages.next().then((result) => {
        if (result.done === true) this.#open.delete(this);
        resolve(result);
      }, (error: unknown) => {
        this.#open.delete(this);
        reject(error);
      });
    });
  }

  async return(): Promise<IteratorResult<T>> {
    this.#open.delete(this);
    await this.#messages.return?.();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<IteratorResult<T>> {
    await this.return();
    throw error;
  }

  end(reason: Fault): void {
    this.#open.delete(this);
    this.#ended = reason;
    this.#reject?.(reason);
    // The call's signal stops the source; an error while it stops has no reader any more.
    Promise.resolve(this.#messages.return?.()).catch(() => undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
