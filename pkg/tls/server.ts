import type { Socket } from "node:net";
import { createServer, type Server, TLSSocket } from "node:tls";
import { fieldName } from "../config/mod.ts";
import { publicFault } from "../fault/mod.ts";
import { CLIENT_CA_FIELD, TLS_SERVER_FIELDS, type TlsServerConfig } from "./fields.ts";
import { checkAuthorities, checkKeyPair, type KeyPair, type NamedFile } from "./files.ts";
import { serverRuntimeProblem } from "./runtime.ts";
import { type FilesProcess, FollowedFiles } from "./followed.ts";

/** TLS of a port. */
export interface TlsServer {
  /** Begins handshakes on connections that others accepted; a handshake takes the certificate of its time. */
  acceptor(options: AcceptorOptions): (raw: Socket) => void;
  /** Reads the files again when they change, until `signal` aborts. */
  follow(signal: AbortSignal): Promise<void>;
}

export interface AcceptorOptions {
  /** The longest time that a handshake may take. */
  readonly handshakeMsMax: number;
  /** Called with a connection whose handshake is complete, and the TCP connection under it. */
  readonly ready: (socket: TLSSocket, raw: Socket) => void;
}

interface Identity extends KeyPair {
  readonly clientAuthorities: string | undefined;
}

/**
 * Reads the files that the settings name; `undefined` when they name none.
 *
 * @throws `failed_precondition` when a file cannot be used, or the runtime has no TLS for such a port
 */
export async function openServerTls(
  { tlsCertFile, tlsKeyFile, tlsClientCaFile }: TlsServerConfig,
  process: FilesProcess,
): Promise<TlsServer | undefined> {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  const problem = serverRuntimeProblem();
  if (problem !== undefined) throw publicFault("failed_precondition", problem);
  const pair: readonly [NamedFile, NamedFile] = [
    { path: tlsCertFile, setting: fieldName(TLS_SERVER_FIELDS.tlsCertFile) },
    { path: tlsKeyFile, setting: fieldName(TLS_SERVER_FIELDS.tlsKeyFile) },
  ];
  const clients = tlsClientCaFile === undefined
    ? []
    : [{ path: tlsClientCaFile, setting: fieldName(CLIENT_CA_FIELD.tlsClientCaFile) }];
  const make = ([certificate = "", key = "", authorities]: readonly string[]): Identity => ({
    ...checkKeyPair({ certificate, key }, { files: pair, nowMs: process.clock.now() }),
    clientAuthorities: authorities === undefined
      ? undefined
      : checkAuthorities(authorities, clients[0] ?? pair[0]),
  });
  const files = await FollowedFiles.open({ files: [...pair, ...clients], make }, process);
  return {
    acceptor(options) {
      let current: { readonly identity: Identity; readonly server: Server } | undefined;
      const shaking = new Map<string, Socket>();
      const ready = (socket: TLSSocket): void => {
        const raw = shaking.get(keyOf(socket));
        shaking.delete(keyOf(socket));
        if (raw === undefined) socket.destroy();
        else options.ready(socket, raw);
      };
      return (raw) => {
        if (current?.identity !== files.value) {
          current = { identity: files.value, server: handshakes(files.value, { ...options, ready }) };
        }
        const key = keyOf(raw);
        shaking.set(key, raw);
        raw.once("close", () => shaking.get(key) === raw && shaking.delete(key));
        current.server.emit("connection", raw);
      };
    },
    follow: (signal) => files.follow(() => undefined, signal),
  };
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

function handshakes(
  { certificate, key, clientAuthorities }: Identity,
  options: { readonly handshakeMsMax: number; readonly ready: (socket: TLSSocket) => void },
): Server {
  const server = createServer({
    cert: certificate,
    key,
    minVersion: "TLSv1.3",
    ALPNProtocols: ["h2", "http/1.1"],
    allowHalfOpen: true,
    handshakeTimeout: options.handshakeMsMax,
    // Users show none on the same port, so that one who needs it is found out by the call.
    ...(clientAuthorities === undefined
      ? {}
      : { ca: clientAuthorities, requestCert: true, rejectUnauthorized: false }),
  });
  server.on("secureConnection", options.ready);
  // A client that does not trust the certificate, or speaks something else: the alert says it all.
  server.on("tlsClientError", (_error, socket: TLSSocket) => void socket.destroy());
  return server;
}

/** True if the other end has proven to hold a certificate of the authority that it was asked for. */
export function isVerifiedClient(socket: Socket | undefined): boolean {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return false;
  // The runtime calls a connection without any certificate authorized when none was asked for.
  const shown: unknown = socket.getPeerCertificate();
  return typeof shown === "object" && shown !== null && Object.keys(shown).length > 0;
}
