import type { ClientHttp2Stream } from "node:http2";
import type { OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Control } from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";

/** One HTTP/2 connection to BuildKit's API. Close it when done. */
export interface Connection {
  readonly control: Client<typeof Control>;
  /** Opens a bidirectional call whose frames the caller reads and writes itself. */
  call(path: string, headers: OutgoingHttpHeaders): Promise<ClientHttp2Stream>;
  close(): void;
}

/** Where BuildKit's API is served. */
export interface Endpoint {
  /** For messages to operators. */
  readonly name: string;
  /** Opens a connection. @throws `unavailable` when the endpoint does not answer */
  connect(signal: AbortSignal): Promise<Connection>;
}

/** No part of the path may drop an idle connection unnoticed while a long step prints nothing. */
const PING_MS = 20_000;

/** Speaks gRPC over a socket whose peer is BuildKit's HTTP/2 server. */
export function overSocket(socket: Socket, baseUrl: string): Connection {
  const manager = new Http2SessionManager(
    baseUrl,
    { pingIntervalMs: PING_MS },
    { createConnection: () => socket },
  );
  const transport = createGrpcTransport({ baseUrl, sessionManager: manager });
  return {
    control: createClient(Control, transport),
    call: (path, headers) => manager.request("POST", path, headers, {}),
    close() {
      manager.abort();
      socket.destroy();
    },
  };
}
