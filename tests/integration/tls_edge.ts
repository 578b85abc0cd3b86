/** An edge in front of a bed of certificates, and visitors who trust nothing but its authority. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect, type TLSSocket } from "node:tls";
import { systemClock } from "../../pkg/clock/mod.ts";
import { loadConfig } from "../../pkg/config/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { FRONTLINE_FIELDS } from "../../svc/frontline/config.ts";
import { runFrontline } from "../../svc/frontline/run.ts";
import { freePort } from "../testbed/wait.ts";
import type { CertificateBed } from "./certificate_bed.ts";

export interface TlsEdge extends AsyncDisposable {
  readonly httpsPort: number;
}

/** An edge on the port that the authority asks, with HTTPS beside it. */
export async function startEdge(
  bed: Pick<CertificateBed, "api" | "httpPort" | "edgeToken">,
): Promise<TlsEdge> {
  const httpsPort = freePort();
  const stop = new AbortController();
  const config = loadConfig(FRONTLINE_FIELDS, {
    flags: new Map(Object.entries({
      "control-plane-url": bed.api.url,
      region: "local.dev",
      "http-host": "127.0.0.1",
      "http-port": String(bed.httpPort),
      "https-port": String(httpsPort),
      "stop-delay-ms": "0",
    })),
    env: (name) => name === "UNKEY_CONTROL_PLANE_BEARER" ? bed.edgeToken : undefined,
    readFile: () => "",
  });
  const ready = Promise.withResolvers<void>();
  const ended = runFrontline(config, {
    log: silentLogger(),
    clock: systemClock(),
    signal: stop.signal,
    onReady: () => ready.resolve(),
  });
  await Promise.race([ready.promise, ended]);
  return {
    httpsPort,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

/** A connection to the edge that trusts nothing but the authority; rejects when the chain does not verify. */
export async function handshake(port: number, ca: string, servername: string): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, servername, ca });
  await once(socket, "secureConnect");
  assert.ok(socket.authorized);
  return socket;
}

/** By `node:http`, since `fetch` names the host that it asks. */
export async function plainGet(
  port: number,
  host: string,
  path: string,
): Promise<{ readonly status: number | undefined; readonly location: string }> {
  const asked = request({ host: "127.0.0.1", port, path, headers: { host }, agent: false });
  asked.end();
  const [answer]: IncomingMessage[] = await once(asked, "response");
  answer?.resume();
  return { status: answer?.statusCode, location: answer?.headers.location ?? "" };
}

/** The head and the first bytes of an answer over an open connection. */
export async function getOver(socket: TLSSocket, host: string, path = "/"): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const [chunk] = await once(socket, "data");
  return String(chunk);
}
