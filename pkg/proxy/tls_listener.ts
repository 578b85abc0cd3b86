import type { Socket } from "node:net";
import { createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";

/** Certificates by name. */
export interface TlsOptions {
  /** The certificate for a name in lower case; `undefined` refuses the connection. */
  readonly contextOf: (serverName: string) => SecureContext | undefined;
}

export interface TlsListenerOptions extends TlsOptions {
  /** The longest time that a handshake may take. */
  readonly handshakeMsMax: number;
  /** Called with a connection that is ready, and its protocol. */
  readonly ready: (socket: TLSSocket, raw: Socket, protocol: "h2" | "http/1.1") => void;
}

/** Handshakes of TLS on connections that others accepted. */
export class TlsListener {
  readonly #server: Server;
  /** The TCP connections under TLS, by address and port of the client. */
  readonly #raw = new Map<string, Socket>();

  constructor(options: TlsListenerOptions) {
    this.#server = createServer({
      ALPNProtocols: ["h2", "http/1.1"],
      allowHalfOpen: true,
      handshakeTimeout: options.handshakeMsMax,
      minVersion: "TLSv1.2",
      SNICallback: (name, done) => done(null, options.contextOf(name.toLowerCase())),
    });
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      const raw = this.#raw.get(keyOf(socket));
      if (raw === undefined) return void socket.destroy();
      options.ready(socket, raw, socket.alpnProtocol === "h2" ? "h2" : "http/1.1");
    });
    // Names without a certificate, and clients that speak something else: the alert says it all.
    this.#server.on("tlsClientError", (_error, socket: TLSSocket) => void socket.destroy());
  }

  /** Begins a handshake. */
  accept(raw: Socket): void {
    const key = keyOf(raw);
    this.#raw.set(key, raw);
    raw.once("close", () => this.#raw.delete(key));
    this.#server.emit("connection", raw);
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
