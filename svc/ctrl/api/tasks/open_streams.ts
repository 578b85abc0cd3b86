/** A stream is let in once and stays open for days: whoever opened it is looked at again for as long as it is open. */
import type { Interceptor } from "@connectrpc/connect";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Fault } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { callerOf, type Principal } from "../../internal/auth/principal.ts";
import { bearer, type Credentials, unauthenticated } from "../authenticate.ts";
import { repeat } from "./repeat.ts";

/** Half of it fixed, half random. A revoked credential's streams end with the first or second sweep after. */
const SWEEP_MS = 6_000;
/** The same while the database fails. */
const SWEEP_MS_MAX = 12_000;

/** What is looked at: an open stream and with what it was opened. */
interface OpenStream {
  readonly token: string;
  readonly principal: Principal;
  end(reason: Fault): void;
}

/** The open streams of this process. */
export interface OpenStreams {
  /** Makes streams known while they are read. */
  readonly interceptor: Interceptor;
  /**
   * Ends streams whose credential is unknown or stands for somebody else, again and again until `signal` aborts. A
   * database that cannot be asked ends none.
   */
  sweep(deps: { readonly clock: Clock; readonly log: Logger }, signal: AbortSignal): Promise<void>;
}

/** One sweep for all streams: its queries grow with the credentials by the hundred, and there are none without streams. */
export function watchOpenStreams(credentials: Credentials): OpenStreams {
  const open = new Set<OpenStream>();
  const interceptor: Interceptor = (next) => async (request) => {
    const response = await next(request);
    if (!response.stream) return response;
    const token = bearer(request.header.get("authorization"));
    const principal = callerOf(request.contextValues);
    // The service token is part of this process's configuration, and ends with the process.
    if (token === undefined || principal === undefined || principal.kind === "service") return response;
    return { ...response, message: revocable(response.message, { token, principal, open }) };
  };
  const look = async (): Promise<void> => {
    if (open.size === 0) return;
    const principals = await credentials.lookAgain(new Set([...open].map(({ token }) => token)));
    for (const stream of [...open]) {
      // One that came meanwhile has just been let in.
      if (!principals.has(stream.token)) continue;
      const now = principals.get(stream.token);
      if (now === undefined) stream.end(unauthenticated("revoked while the stream was open"));
      else if (!isDeepStrictEqual(now, stream.principal)) {
        stream.end(unauthenticated("principal has changed"));
      }
    }
  };
  return { interceptor, sweep: (deps, signal) => repeat(deps, signal, SWEEP_MS, look, SWEEP_MS_MAX) };
}

/** How a stream becomes known, which is when somebody begins to read it. */
interface Known {
  readonly token: string;
  readonly principal: Principal;
  readonly open: Set<OpenStream>;
}

function revocable<T>(messages: AsyncIterable<T>, known: Known): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => new RevocableStream(messages[Symbol.asyncIterator](), known) };
}

/**
 * Messages that can be ended from outside, also while the next one is awaited. What is awaited then is left alone: it
 * ends with the call.
 */
class RevocableStream<T> implements AsyncIterableIterator<T>, OpenStream {
  readonly token: string;
  readonly principal: Principal;
  readonly #messages: AsyncIterator<T>;
  readonly #open: Set<OpenStream>;
  #reject: ((reason: Fault) => void) | undefined;
  #ended: Fault | undefined;

  constructor(messages: AsyncIterator<T>, { token, principal, open }: Known) {
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
    // It is told to stop by the call's signal; how it stops interests nobody any more.
    Promise.resolve(this.#messages.return?.()).catch(() => undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
