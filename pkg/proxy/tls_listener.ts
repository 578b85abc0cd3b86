import type { Socket } from "node:net";
import { createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";

/** Certificates by name. */
export interface TlsOptions {
  /**
   * The certificate for a name in lower case; `undefined` refuses the connection. A promise holds the handshake up, within
   * its limit, and does not reject.
   */
  readonly contextOf: (serverName: string) => SecureContext | undefined | Promise<SecureContext | undefined>;
}

export interface TlsListenerOptions extends TlsOptions {
  /** The longest time that a handshake may take. */
  readonly handshakeMsMax: number;
  /** Called with a connection that is ready, and its protocol. */
  readonly ready: (ready: SecureConnection) => void;
}

/** A connection whose handshake is complete. */
export interface SecureConnection {
  readonly socket: TLSSocket;
  /** The TCP connection under it. */
  readonly raw: Socket;
  /** The client's address. */
  readonly address: string;
  readonly protocol: "h2" | "http/1.1";
}

/** Handshakes of TLS on connections that others accepted. */
export class TlsListener {
  readonly #server: Server;
  /** The TCP connections under TLS, by address and port of the client. */
  readonly #raw = new Map<string, { readonly raw: Socket; readonly address: string }>();

  constructor(options: TlsListenerOptions) {
    this.#server = createServer({
      ALPNProtocols: ["h2", "http/1.1"],
      allowHalfOpen: true,
      handshakeTimeout: options.handshakeMsMax,
      minVersion: "TLSv1.2",
      SNICallback: (name, done) => {
        const found = options.contextOf(name.toLowerCase());
        if (found instanceof Promise) void found.then((context) => done(null, context));
        else done(null, found);
      },
    });
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      const under = this.#raw.get(keyOf(socket));
      if (under === undefined) return void socket.destroy();
      options.ready({ ...under, socket, protocol: socket.alpnProtocol === "h2" ? "h2" : "http/1.1" });
    });
    // Names without a certificate, and clients that speak something else: the alert says it all.
    this.#server.on("tlsClientError", (_error, socket: TLSSocket) => void socket.destroy());
  }

  /** Begins a handshake with the client at `address`. */
  accept(raw: Socket, address: string): void {
    const key = keyOf(raw);
    this.#raw.set(key, { raw, address });
    raw.once("close", () => this.#raw.delete(key));
    this.#server.emit("connection", raw);
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
