import type { Core } from "./core.ts";
import { Http1Link } from "./http1_link.ts";
import type { UpstreamLink } from "./link.ts";
import type { UpstreamConnection } from "./pool.ts";
import { ServedLink } from "./served_link.ts";
import type { Answer, Decision, Failure, HeaderField, ProxyRequest, Upstream } from "./types.ts";
import { LinkWithHeaders } from "./with_headers.ts";

/** The outcome of a search; one of these is called, unless it is cancelled. */
export interface SearchResult {
  found(link: UpstreamLink): void;
  /** The request is answered without an upstream. */
  answered(answer: Answer): void;
  failed(failure: Failure): void;
}

/** A request that needs a connection. */
export interface Wanted {
  readonly request: ProxyRequest;
  /**
   * The connection is to be switched. Apps of HTTP/2 are asked in HTTP/1.1 then, which most of their servers speak on the
   * same port; few of them take a WebSocket over HTTP/2.
   */
  readonly isWebSocket: boolean;
}

/** Servers keep idle connections for at least two seconds, so that one used this recently is not about to be closed. */
const RECENT_MS = 1_000;

/** Finds a connection for one request: asks for the route, takes a kept connection or dials, and tries another one. */
export class UpstreamSearch {
  readonly #core: Core;
  readonly #request: ProxyRequest;
  readonly #result: SearchResult;
  readonly #isWebSocket: boolean;
  readonly #tried = new Set<string>();
  #dials = 0;
  #over = false;
  #cancelDial: (() => void) | undefined;
  #headers: readonly HeaderField[] | undefined;
  /** Of a decision that is not known yet. */
  #left: (() => void) | undefined;
  #settled: (() => void) | undefined;
  /** Why the last dial failed; for the log. */
  lastCause: string | undefined;
  /** Of the last decision. */
  setCookie: string | undefined;

  constructor(core: Core, { request, isWebSocket }: Wanted, result: SearchResult) {
    this.#core = core;
    this.#request = request;
    this.#isWebSocket = isWebSocket;
    this.#result = result;
  }

  /** Begins to search. `repeatable`: the request may be sent again if a kept connection turns out to be closed. */
  begin(options: { readonly fresh: boolean; readonly repeatable: boolean }): void {
    this.#take(this.#core.options.route(this.#request, this.#tried), options);
  }

  #take(decision: Decision, options: { readonly fresh: boolean; readonly repeatable: boolean }): void {
    this.#left = undefined;
    if (decision.kind === "forward") this.#settled ??= decision.settled;
    if (this.#over) return this.settled();
    const { pool } = this.#core;
    if (decision.kind === "wait") {
      this.#left = decision.left;
      return void decision.decision.then((later) => this.#take(later, options));
    }
    if (decision.kind === "answer") return this.#result.answered(decision.answer);
    if (decision.kind === "fail") return this.#result.failed(decision.failure);
    if (decision.kind === "serve") return this.#result.found(new ServedLink(decision));
    const { upstream, hasOthers = false } = decision;
    this.#headers = decision.headers;
    this.setCookie = decision.setCookie;
    if (this.#speaksHttp2(upstream)) return this.#dial(upstream, { ...options, hasOthers });
    const recentMs = options.repeatable ? Infinity : RECENT_MS;
    const kept = options.fresh ? undefined : pool.take(upstream.key, recentMs);
    if (kept === undefined) return this.#dial(upstream, { ...options, hasOthers });
    if (options.repeatable) return this.#found(kept);
    // It cannot be sent twice: let a close of that connection that has arrived already be seen first.
    setImmediate(() => {
      if (this.#over) pool.put(kept);
      else if (kept.alive) this.#found(kept);
      else this.begin(options);
    });
  }

  #speaksHttp2({ protocol }: Upstream): boolean {
    return protocol === "h2c" && !this.#isWebSocket;
  }

  #found(connection: UpstreamConnection): void {
    this.#hand(new Http1Link(this.#core.pool, connection));
  }

  #hand(link: UpstreamLink): void {
    this.#result.found(this.#headers === undefined ? link : new LinkWithHeaders(link, this.#headers));
  }

  /** The response has begun, or there will be none. */
  settled(): void {
    const settled = this.#settled;
    this.#settled = undefined;
    settled?.();
  }

  /** Gives up. */
  cancel(): void {
    this.#over = true;
    this.#left?.();
    this.#left = undefined;
    this.#cancelDial?.();
    this.#cancelDial = undefined;
  }

  #dial(
    upstream: Upstream,
    { hasOthers, ...options }: {
      readonly fresh: boolean;
      readonly repeatable: boolean;
      readonly hasOthers: boolean;
    },
  ): void {
    const { options: { limits, onDial }, pool, http2Pool } = this.#core;
    if (this.#tried.has(upstream.key) || this.#dials >= limits.dialsMax) {
      const detail = "No instance of the app took the connection.";
      return this.#result.failed({ kind: "instance_unreachable", detail });
    }
    this.#dials++;
    const isLast = !hasOthers || this.#dials === limits.dialsMax;
    const limitMs = isLast ? limits.dialMsMax : Math.min(limits.firstDialMsMax, limits.dialMsMax);
    const connected = (link: UpstreamLink): void => {
      this.#cancelDial = undefined;
      onDial(upstream, true);
      this.#hand(link);
    };
    const unreachable = (cause: string): void => {
      this.#cancelDial = undefined;
      onDial(upstream, false);
      this.#tried.add(upstream.key);
      this.lastCause = `${upstream.host}:${upstream.port}: ${cause}`;
      this.begin(options);
    };
    this.#cancelDial = this.#speaksHttp2(upstream)
      ? http2Pool.open(upstream, options.fresh, { opened: connected, unreachable })
      : pool.dial(upstream, limitMs, {
        connected: (connection) => connected(new Http1Link(pool, connection)),
        unreachable,
      });
  }
}
