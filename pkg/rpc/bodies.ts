import { Code, ConnectError } from "@connectrpc/connect";
import type { NodeRequest } from "./node_http.ts";

/** Bounds of the bodies of requests. */
export interface BodyLimits {
  /** The longest time that the whole body of a call may take, in milliseconds. */
  readonly bodyMsMax: number;
  /** The least that must come per second of a body, after `bodyGraceMs`. */
  readonly bodyBytesPerSecondMin: number;
  readonly bodyGraceMs: number;
  /** Bytes of all bodies of calls that are not complete, in memory. */
  readonly bodyBytesWaitingMax: number;
}

export const BODY_LIMITS: BodyLimits = {
  bodyMsMax: 60_000,
  bodyBytesPerSecondMin: 1024,
  bodyGraceMs: 15_000,
  bodyBytesWaitingMax: 64 * 1024 * 1024,
};

/** The longest delay with which a limit is noticed, in milliseconds. */
const LOOK_MS = 500;

/** A body that comes. */
export interface Incoming {
  bytes: number;
  /** Milliseconds for which the client was waited for, up to `sinceMs`. */
  waitedMs: number;
  /** Since when the client is waited for; `undefined`: the service has not taken what came. */
  sinceMs: number | undefined;
  readonly msMax: number;
  /** Ends the body. */
  readonly late: () => void;
}

/** Takes bodies: none may take too long or come too slowly, and those that are not complete share a bounded memory. */
export class Bodies {
  readonly #limits: BodyLimits;
  readonly #incoming = new Set<Incoming>();
  #waiting = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** Bytes of bodies that are not complete. */
  get waitingBytes(): number {
    return this.#waiting;
  }

  /** Watches a body that is taken as it comes; it has no limit for all of it. The caller counts, and calls `forget`. */
  watch(late: () => void): Incoming {
    return this.#add(Infinity, late);
  }

  forget(incoming: Incoming): void {
    this.#incoming.delete(incoming);
    if (this.#incoming.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /**
   * The whole body of a call.
   *
   * @throws `resource_exhausted` when it is longer than `bytesMax`, or there are too many bodies; `deadline_exceeded` when
   * it comes too slowly; `canceled` when the client goes away meanwhile
   */
  read(request: NodeRequest, bytesMax: number): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const parts: Uint8Array[] = [];
    const incoming = this.#add(this.#limits.bodyMsMax, () => fail(slow()));
    // At once, and not when the promise is awaited: a request is also closed after it has ended.
    const settle = (): void => {
      request.off("data", take).off("end", end).off("close", gone).off("error", gone);
      this.#waiting -= incoming.bytes;
      this.forget(incoming);
    };
    const fail = (error: ConnectError): void => {
      settle();
      reject(error);
    };
    const take = (part: Uint8Array): void => {
      parts.push(part);
      incoming.bytes += part.length;
      this.#waiting += part.length;
      if (incoming.bytes > bytesMax) return fail(tooLarge());
      if (this.#waiting > this.#limits.bodyBytesWaitingMax) fail(full());
    };
    const end = (): void => {
      settle();
      resolve(joined(parts, incoming.bytes));
    };
    const gone = (): void => fail(new ConnectError("the client went away", Code.Canceled));
    request.on("data", take).once("end", end).once("close", gone).once("error", gone);
    return promise;
  }

  #add(msMax: number, late: () => void): Incoming {
    const incoming = { bytes: 0, waitedMs: 0, sinceMs: performance.now(), msMax, late };
    this.#incoming.add(incoming);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    return incoming;
  }

  #look(): void {
    const { bodyGraceMs, bodyBytesPerSecondMin } = this.#limits;
    const nowMs = performance.now();
    for (const each of [...this.#incoming]) {
      if (each.sinceMs === undefined) continue;
      const waitedMs = each.waitedMs + nowMs - each.sinceMs;
      const leastBytes = (waitedMs - bodyGraceMs) / 1_000 * bodyBytesPerSecondMin;
      if (waitedMs > each.msMax || each.bytes < leastBytes) each.late();
    }
  }
}

function tooLarge(): ConnectError {
  return new ConnectError("message is larger than allowed", Code.ResourceExhausted);
}

function slow(): ConnectError {
  return new ConnectError("The body of the request came too slowly: send it again.", Code.DeadlineExceeded);
}

function full(): ConnectError {
  const text = "The server takes as many requests as it can: try again in a moment.";
  return new ConnectError(text, Code.ResourceExhausted, { "retry-after": "1" });
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
