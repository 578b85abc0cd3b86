import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Fault, publicFault } from "../../fault/mod.ts";
import type { Secret } from "../../config/mod.ts";
import { type Endpoint, overSocket } from "./connection.ts";

/** Where a daemon listens. */
export type DaemonAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number; readonly tls: boolean };

/** Certificates for a daemon that asks for one, all in PEM. */
export interface ClientCertificate {
  /** Authority of the daemon's certificate; `undefined`: those that the system trusts. */
  readonly ca?: string;
  readonly certificate: string;
  readonly key: Secret;
  /** Name in the daemon's certificate; by default the host of its address. */
  readonly serverName?: string;
}

const CONNECT_MS_MAX = 30_000;
const PORT_DEFAULT = 1234;
/** HTTP/2 over TLS (RFC 9113, section 3.2). */
const PROTOCOL = "h2";

/**
 * Reads a daemon's address: `tcp://host:port`, `https://host:port`, or `unix:///path`.
 *
 * @throws `invalid_argument` for any other form
 */
export function daemonAddress(url: string): DaemonAddress {
  const path = /^unix:\/\/(\/.+)$/.exec(url)?.[1];
  if (path !== undefined) return { kind: "unix", path };
  const [, scheme, authority] = /^(tcp|http|https):\/\/([^/@\s]+)\/?$/.exec(url) ?? [];
  const parsed = authority === undefined ? undefined : URL.parse(`ftp://${authority}`);
  if (parsed !== undefined && parsed !== null) {
    const hostname = parsed.hostname.replace(/^\[|\]$/g, "");
    return { kind: "tcp", hostname, port: Number(parsed.port || PORT_DEFAULT), tls: scheme === "https" };
  }
  throw publicFault(
    "invalid_argument",
    `A BuildKit address must look like "tcp://buildkitd:1234" or "unix:///run/buildkit/buildkitd.sock": got "${
      url.slice(0, 200)
    }"`,
  );
}

/**
 * A BuildKit daemon. With a certificate, or an `https` address, the connection is TLS.
 *
 * @throws `invalid_argument` when `url` has an unknown form
 */
export function daemonEndpoint(url: string, certificate?: ClientCertificate): Endpoint {
  const address = daemonAddress(url);
  return {
    name: url,
    async connect(signal) {
      const { socket, secure } = open(address, certificate);
      try {
        await connected(socket, {
          event: secure ? "secureConnect" : "connect",
          signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS_MAX)]),
        });
        return overSocket(socket, secure ? "https://buildkitd" : "http://buildkitd");
      } catch (error) {
        socket.destroy();
        signal.throwIfAborted();
        throw unavailable(url, error);
      }
    },
  };
}

function open(
  address: DaemonAddress,
  certificate: ClientCertificate | undefined,
): { readonly socket: Socket; readonly secure: boolean } {
  if (address.kind === "unix") return { socket: connect(address.path), secure: false };
  const { hostname: host, port, tls } = address;
  if (!tls && certificate === undefined) return { socket: connect(port, host), secure: false };
  const serverName = certificate?.serverName ?? host;
  const socket = connectTls({
    host,
    port,
    ALPNProtocols: [PROTOCOL],
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(certificate === undefined ? {} : {
      cert: certificate.certificate,
      key: certificate.key.reveal(),
      ...(certificate.ca === undefined ? {} : { ca: certificate.ca }),
    }),
  });
  return { socket, secure: true };
}

function connected(
  socket: Socket,
  { event, signal }: { readonly event: "connect" | "secureConnect"; readonly signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: unknown): void => {
      socket.off(event, opened);
      socket.off("error", end);
      socket.off("close", closed);
      signal.removeEventListener("abort", aborted);
      if (error === undefined) resolve();
      else reject(error);
    };
    const opened = (): void => end();
    const closed = (): void => end(new Error("the daemon closed the connection"));
    const aborted = (): void => end(signal.reason);
    socket.on(event, opened);
    socket.on("error", end);
    socket.on("close", closed);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
  });
}

function unavailable(url: string, cause: unknown): Fault {
  return new Fault("unavailable", `cannot reach the BuildKit daemon at ${url}`, {
    publicMessage: "The builder does not answer. Try again in a moment.",
    cause,
  });
}
