import { Fault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import { shareOfDescriptors, type TcpTimes } from "../tcp/mod.ts";
import type { TlsServer } from "../tls/mod.ts";
import { HttpListener } from "./listener.ts";
import type { NodeHandler } from "./node_http.ts";

/** Where to listen. */
export interface PortOptions {
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** The setting to name when the port is taken, e.g. `--http-port (UNKEY_HTTP_PORT)`. */
  readonly portSetting: string;
  readonly log: Logger;
  /** The port takes TLS 1.3, and nothing else. */
  readonly tls?: TlsServer | undefined;
}

/** Bounds of the connections to a port. */
export interface ConnectionLimits {
  /** The longest time that the head of a request may take, and a connection until its first request, in milliseconds. */
  readonly headMsMax: number;
  /** The longest time that a connection may be idle between requests, in milliseconds. */
  readonly keepAliveMs: number;
  /** Connections of all clients; no more than the share of the process's descriptors that a listener has. */
  readonly connectionsMax: number;
  /** Connections of one client: an address, or a /64 network of IPv6. */
  readonly connectionsPerClientMax: number;
  /** True for addresses of many clients, such as a balancer's: they have no bound of their own. */
  readonly isShared: (address: string) => boolean;
  readonly tcp: Partial<TcpTimes>;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  headMsMax: 20_000,
  // Longer than clients keep a connection for their next call, so that none is closed while they begin to use it.
  keepAliveMs: 120_000,
  connectionsMax: 10_000,
  // Agents and users of one site may share an address.
  connectionsPerClientMax: 2_000,
  isShared: () => false,
  tcp: {},
};

/** The part of the process's descriptors that one listener may use: `unkey up` has several, and an edge. */
const DESCRIPTORS_SHARE = 0.2;
/** The part of a listener's connections that one client may have. */
const CLIENT_SHARE = 0.75;

/**
 * Listens for HTTP.
 *
 * @throws `failed_precondition` when the port is taken or not allowed
 */
export async function openListener(
  options: PortOptions,
  limits: ConnectionLimits,
  handle: NodeHandler,
): Promise<HttpListener> {
  const { hostname, port, log, tls } = options;
  const { headMsMax, keepAliveMs, connectionsMax, connectionsPerClientMax, isShared, tcp: tcpTimes } = limits;
  const max = shareOfDescriptors(DESCRIPTORS_SHARE, connectionsMax);
  const connections = { max, perKeyMax: Math.min(connectionsPerClientMax, Math.ceil(max * CLIENT_SHARE)) };
  const times = { headMsMax, keepAliveMs };
  try {
    return await HttpListener.open(
      { hostname, port, log, times, connections, isShared, tcpTimes, tls },
      handle,
    );
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") {
      throw refusal(`Port ${port} on ${hostname} is taken by another process.`, options, error);
    }
    if (code === "EACCES" || code === "EADDRNOTAVAIL") {
      throw refusal(`Port ${port} on ${hostname} cannot be opened.`, options, error);
    }
    throw error;
  }
}

function refusal(what: string, { portSetting }: PortOptions, cause: unknown): Fault {
  const text = `${what} Stop that process, or choose another port with ${portSetting}.`;
  return new Fault("failed_precondition", text, { publicMessage: text, cause });
}
