import type { Clock } from "../clock/mod.ts";
import type { Logger } from "../logger/mod.ts";

/** One header field as it was sent; `lower` is the name in lower case. Values are bytes, one per character. */
export interface HeaderField {
  readonly name: string;
  readonly lower: string;
  readonly value: string;
}

/** Where a request may be sent. */
export interface Upstream {
  /** Names one listener for its whole life: a reused address needs a new key. Connections are pooled by it. */
  readonly key: string;
  readonly host: string;
  readonly port: number;
  /** The version of an app that it belongs to, for counts. */
  readonly owner?: string | undefined;
  /** HTTP/2 without TLS, spoken at once; else HTTP/1.1. */
  readonly protocol?: "h2c" | undefined;
}

/** A request whose head has been read and found valid. */
export interface ProxyRequest {
  /** Taken from the client when it is sane, else made here; sent upstream and back. */
  readonly id: string;
  readonly method: string;
  /** Origin form, or `*`. */
  readonly target: string;
  /** Lower case, without port and trailing dot; empty when the client names none, as HTTP/1.0 may. */
  readonly host: string;
  /** As the client sent it. */
  readonly hostHeader: string;
  readonly headers: readonly HeaderField[];
  readonly clientAddress: string;
  /** The protocol of the client's connection: "https" over TLS. */
  readonly scheme: "http" | "https";
  /** The number of proxies of this kind that it has passed before this one. */
  readonly hops: number;
}

/** A response that is made here. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Makes a response from the body of a request. */
export interface Served {
  /** Bytes that the body may have. */
  readonly bytesMax: number;
  /** `undefined` stands for a body of more bytes. The promise does not fail, and ends within seconds. */
  readonly serve: (body: Uint8Array | undefined) => Promise<Answer>;
}

/** The decision on a request. */
export type Decision =
  | {
    readonly kind: "forward";
    readonly upstream: Upstream;
    /** True if another one can be tried after it, so that a dial need not wait for long. */
    readonly hasOthers?: boolean;
    /** The fields that are passed on, in the place of the client's. */
    readonly headers?: readonly HeaderField[] | undefined;
    /** The value of a `Set-Cookie` that the response gets beside those of the app. */
    readonly setCookie?: string | undefined;
    /** Called once, when the response has begun, or there will be none. */
    readonly settled?: (() => void) | undefined;
  }
  | { readonly kind: "answer"; readonly answer: Answer }
  /** Answered here, by the request's body. */
  | ({ readonly kind: "serve" } & Served)
  | { readonly kind: "fail"; readonly failure: Failure }
  /** Known later; the promise does not fail, and ends within a minute. `left` is called when the client goes away before. */
  | { readonly kind: "wait"; readonly decision: Promise<Decision>; readonly left?: () => void };

/** Why no response of an upstream can be given. */
export type FailureKind =
  | "bad_request"
  | "header_too_large"
  | "request_timeout"
  | "not_implemented"
  | "version_not_supported"
  | "expectation_failed"
  | "too_many_connections"
  | "too_many_from_client"
  | "too_many_requests"
  | "loop_detected"
  | "unknown_host"
  | "unknown_deployment"
  | "no_instance"
  | "deployment_stopped"
  | "waking"
  | "instance_unreachable"
  | "upstream_closed"
  | "upstream_invalid"
  | "upstream_timeout"
  | "starting";

export interface Failure {
  readonly kind: FailureKind;
  /** For the log and, where it says what the client did wrong, for the client. No internal names or addresses. */
  readonly detail: string;
}

/** A failure with what is known of its request; before the head was read that is only the id. */
export interface FailureReport extends Failure {
  readonly id: string;
  readonly status: number;
  readonly method: string | undefined;
  readonly host: string | undefined;
  readonly accept: string | undefined;
  readonly upstream: string | undefined;
  /** True if the response had begun, so that all that could be done was to cut it off. */
  readonly cut: boolean;
  /** The operator's text. */
  readonly cause: string | undefined;
}

/** Bounds. Times in milliseconds, sizes in bytes. There is no limit on how long a response may take in all. */
export interface ProxyLimits {
  /** Client connections; more take the place of idle ones, or are answered with 503 and closed. */
  readonly connectionsMax: number;
  /** Connections of one client, an address or a /64 network of IPv6; more are answered with 429 and closed. */
  readonly connectionsPerClientMax: number;
  /** Requests of one client that run at a time; more are answered with 429. */
  readonly requestsPerClientMax: number;
  /** Requests to one app that run at a time, open tunnels with them; more are answered with 503. */
  readonly requestsPerAppMax: number;
  /** Request line and header fields together. */
  readonly headBytesMax: number;
  readonly headersMax: number;
  /** From the first byte of a request to the end of its head. */
  readonly headMsMax: number;
  /** The longest time that a connection may be idle between requests. */
  readonly keepAliveMsMax: number;
  /** The longest time that a request body may stand still. */
  readonly bodyStallMsMax: number;
  /** The least of a request body that must come per second, after `bodyStallMsMax`, until the app responds. */
  readonly bodyBytesPerSecondMin: number;
  /** The longest time that a client may refuse to take more of a response. */
  readonly responseStallMsMax: number;
  readonly dialMsMax: number;
  /** The same while another upstream can be tried: nothing answers at the address of a container that is gone. */
  readonly firstDialMsMax: number;
  /** From the end of the request to the head of the response. */
  readonly responseHeadMsMax: number;
  /** Status line and header fields of a response together. */
  readonly responseHeadBytesMax: number;
  readonly responseHeadersMax: number;
  /** The time for which a connection to an upstream is kept for the next request. */
  readonly idleUpstreamMsMax: number;
  readonly idleUpstreamsMax: number;
  /** Dials of one request, all upstreams together. */
  readonly dialsMax: number;
  /** Proxies of this kind that a request may pass. */
  readonly hopsMax: number;
  /** The time for which a client's bytes are still taken after a response that closes the connection. */
  readonly lingerMsMax: number;
  /** The longest time in which no byte passes through a tunnel. */
  readonly tunnelIdleMsMax: number;
}

export const LIMITS: ProxyLimits = {
  connectionsMax: 10_000,
  // Users of one company or of one mobile network may share an address.
  connectionsPerClientMax: 2_000,
  requestsPerClientMax: 2_000,
  requestsPerAppMax: 4_000,
  headBytesMax: 32 * 1024,
  headersMax: 128,
  headMsMax: 10_000,
  keepAliveMsMax: 75_000,
  bodyStallMsMax: 60_000,
  bodyBytesPerSecondMin: 100,
  responseStallMsMax: 120_000,
  dialMsMax: 5_000,
  firstDialMsMax: 1_000,
  responseHeadMsMax: 300_000,
  // Twice the limit of a request's head: apps set many cookies.
  responseHeadBytesMax: 64 * 1024,
  responseHeadersMax: 512,
  idleUpstreamMsMax: 30_000,
  idleUpstreamsMax: 128,
  dialsMax: 3,
  hopsMax: 10,
  lingerMsMax: 2_000,
  tunnelIdleMsMax: 3_600_000,
};

/** The decisions that a proxy leaves to its user. All functions are called synchronously and must not throw. */
export interface ProxyOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: ProxyLimits;
  /** Decides before each dial. `tried` holds the keys that could not be dialed for this request. */
  readonly route: (request: ProxyRequest, tried: ReadonlySet<string>) => Decision;
  /** Makes the response for a failure. */
  readonly explain: (report: FailureReport) => Answer;
  readonly newRequestId: () => string;
  /** True if forwarding headers of this peer are kept and appended to instead of replaced. */
  readonly trusts: (address: string) => boolean;
  /** The app that a request is for, whose requests are counted together; without it, the host. */
  readonly appOf?: ((request: ProxyRequest) => string) | undefined;
  /** True for balancers that tell the client's address by the PROXY protocol: each of their connections must begin so. */
  readonly fromBalancer?: ((address: string) => boolean) | undefined;
  /** The value of `Strict-Transport-Security` in responses over TLS whose app does not set one. */
  readonly strictTransport?: string | undefined;
  /** Called for every dial that ended. */
  readonly onDial: (upstream: Upstream, ok: boolean) => void;
  /** Called once for every failure, except for clients that went away. */
  readonly onFailure: (report: FailureReport) => void;
  /**
   * Called with the status of every response begun, and the upstream if it made it; 499 stands for a client that went away
   * before.
   */
  readonly onStatus: (status: number, upstream?: Upstream) => void;
  /** Called with the time from the head of a request to the head of its upstream's response. */
  readonly onResponded?: ((waitedMs: number) => void) | undefined;
  /** The counters of the app that a request is for; without them it is not counted. */
  readonly trafficOf?: ((request: ProxyRequest) => AppTraffic | undefined) | undefined;
}

/** Counts the requests of one app. A request is begun once and ended once; a response that is made here is no response. */
export interface AppTraffic {
  begun(nowMs: number): void;
  /** The app's response has begun. */
  responded(status: number, waitedMs: number): void;
  /** No response of the app could be given. */
  failed(status: number): void;
  /** The response broke off after it had begun. */
  cut(): void;
  /** The client went away before the response had begun. */
  cancelled(): void;
  /** Bytes of the body from the client, and of the body to it; of a tunnel, all bytes when it closes. */
  moved(receivedBytes: number, sentBytes: number): void;
  ended(nowMs: number): void;
}

/** True if a reason to fail is the client's (4xx) or ours (5xx), as a status. */
export const FAILURE_STATUS: Record<FailureKind, number> = {
  bad_request: 400,
  header_too_large: 431,
  request_timeout: 408,
  not_implemented: 501,
  version_not_supported: 505,
  expectation_failed: 417,
  too_many_connections: 503,
  too_many_from_client: 429,
  too_many_requests: 503,
  loop_detected: 508,
  unknown_host: 404,
  unknown_deployment: 404,
  no_instance: 503,
  deployment_stopped: 503,
  waking: 503,
  instance_unreachable: 503,
  upstream_closed: 502,
  upstream_invalid: 502,
  upstream_timeout: 504,
  starting: 503,
};
