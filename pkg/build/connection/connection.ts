import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Control } from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { Tunnel } from "./tunnel.ts";

/** One HTTP/2 connection to BuildKit's API. Close it when done. */
export interface Connection {
  readonly control: Client<typeof Control>;
  /** Opens a session that these fields describe: a stream of bytes on which BuildKit is a client of HTTP/2. */
  session(fields: SessionFields, signal: AbortSignal): Promise<Duplex>;
  close(): void;
}

/** The names in lower case. */
export type SessionFields = Readonly<Record<string, string | readonly string[]>>;

/** Where BuildKit's API is served. */
export interface Endpoint {
  /** For messages to operators. */
  readonly name: string;
  /** Opens a connection. @throws `unavailable` when the endpoint does not answer */
  connect(signal: AbortSignal): Promise<Connection>;
}

/** No part of the path may drop an idle connection unnoticed while a long step prints nothing. */
const PING_MS = 20_000;
const CONTROL_SESSION = "/moby.buildkit.v1.Control/Session";

/** Speaks gRPC over a socket whose peer is BuildKit's HTTP/2 server. Sessions are calls on the same socket, unless `session` opens them. */
export function overSocket(socket: Socket, baseUrl: string, session?: Connection["session"]): Connection {
  const manager = new Http2SessionManager(
    baseUrl,
    { pingIntervalMs: PING_MS },
    { createConnection: () => socket },
  );
  const transport = createGrpcTransport({ baseUrl, sessionManager: manager });
  return {
    control: createClient(Control, transport),
    session: session ?? (async (fields) => {
      const headers = { "content-type": "application/grpc", te: "trailers", ...fields };
      return new Tunnel(await manager.request("POST", CONTROL_SESSION, headers, {}));
    }),
    close() {
      manager.abort();
      socket.destroy();
    },
  };
}
