import { connect, type Socket } from "node:net";
import { parseHost } from "../../docker/mod.ts";
import { Fault } from "../../fault/mod.ts";
import { type Endpoint, overSocket } from "./connection.ts";

const CONNECT_MS_MAX = 30_000;
const HEAD_BYTES_MAX = 16_384;
const HEAD_END = "\r\n\r\n";

/**
 * BuildKit's API inside a Docker Engine: `POST /grpc`, upgraded to HTTP/2 without TLS (Docker Engine API, from 18.09 on).
 *
 * @throws `invalid_argument` when `host` has an unknown form
 */
export function engineEndpoint(host: string): Endpoint {
  const address = parseHost(host);
  const { hostname, port } = address.kind === "tcp" ? new URL(address.baseUrl) : { hostname: "", port: "" };
  const open = (): Socket =>
    address.kind === "unix" ? connect(address.path) : connect(Number(port || 80), hostname);
  return {
    name: host,
    async connect(signal) {
      const socket = open();
      try {
        await upgrade(socket, AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS_MAX)]));
        return overSocket(socket, "http://docker");
      } catch (error) {
        socket.destroy();
        signal.throwIfAborted();
        throw unavailable(host, error);
      }
    },
  };
}

/** Resolves when the engine has switched protocols. Bytes behind its answer are the first HTTP/2 frames and go back. */
function upgrade(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = new Uint8Array(0);
    const end = (error?: unknown): void => {
      socket.off("data", take);
      socket.off("error", end);
      socket.off("close", closed);
      signal.removeEventListener("abort", aborted);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = (): void => end(new Error("the engine closed the connection"));
    const aborted = (): void => end(signal.reason);
    const take = (chunk: Uint8Array): void => {
      head = concat(head, chunk);
      const text = new TextDecoder("latin1").decode(head);
      const at = text.indexOf(HEAD_END);
      if (at < 0) return head.length > HEAD_BYTES_MAX ? end(new Error("the answer has no end")) : undefined;
      // Paused here, since the frames behind the head may be in the same packet.
      socket.pause();
      if (!/^HTTP\/1\.1 101 /.test(text)) return end(new Error(firstLine(text)));
      const rest = head.subarray(at + HEAD_END.length);
      end();
      if (rest.length > 0) socket.unshift(rest);
    };
    socket.on("data", take);
    socket.on("error", end);
    socket.on("close", closed);
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) return aborted();
    socket.write("POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  });
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

function firstLine(text: string): string {
  return `the engine answered "${text.slice(0, text.indexOf("\r\n")).slice(0, 200)}"`;
}

function unavailable(host: string, cause: unknown): Fault {
  return new Fault("unavailable", `cannot reach BuildKit in the Docker Engine at ${host}`, {
    publicMessage: "The builder does not answer. Try again in a moment.",
    cause,
  });
}
