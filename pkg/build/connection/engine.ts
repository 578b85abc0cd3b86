import { connect, type Socket } from "node:net";
import { parseHost } from "../../docker/mod.ts";
import { Fault } from "../../fault/mod.ts";
import { type Endpoint, overSocket, type SessionFields } from "./connection.ts";

const CONNECT_MS_MAX = 30_000;
const HEAD_BYTES_MAX = 16_384;
const HEAD_END = "\r\n\r\n";
const FIELD_VALUE = /^[\x20-\x7e]*$/;

/**
 * BuildKit's API inside a Docker Engine: `POST /grpc`, upgraded to HTTP/2 without TLS (Docker Engine API, from 18.09 on). A session has a
 * connection of its own, `POST /session`, as with `docker build`: inside a call of the API its content would be framed twice, and the engine
 * takes much longer for that.
 *
 * @throws `invalid_argument` when `host` has an unknown form
 */
export function engineEndpoint(host: string): Endpoint {
  const address = parseHost(host);
  const { hostname, port } = address.kind === "tcp" ? new URL(address.baseUrl) : { hostname: "", port: "" };
  const open = (): Socket =>
    address.kind === "unix"
      ? connect(address.path)
      : connect({ host: hostname, port: Number(port || 80), noDelay: true });
  const upgraded = async (head: string, signal: AbortSignal): Promise<Socket> => {
    const socket = open();
    try {
      await upgrade(socket, head, AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS_MAX)]));
      return socket;
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      throw unavailable(host, error);
    }
  };
  return {
    name: host,
    async connect(signal) {
      const session = async (fields: SessionFields, signal: AbortSignal): Promise<Socket> =>
        await upgraded(requestHead("/session", fields), signal);
      return overSocket(await upgraded(requestHead("/grpc", {}), signal), "http://docker", session);
    },
  };
}

function requestHead(path: string, fields: SessionFields): string {
  const lines = [`POST ${path} HTTP/1.1`, "Host: docker", "Connection: Upgrade", "Upgrade: h2c"];
  for (const [name, values] of Object.entries(fields)) {
    for (const value of [values].flat()) {
      if (!FIELD_VALUE.test(value)) throw new Fault("internal", `a value of ${name} is no header field`);
      lines.push(`${name}: ${value}`);
    }
  }
  return `${lines.join("\r\n")}${HEAD_END}`;
}

/** Resolves when the engine has switched protocols. Bytes behind its answer are the first HTTP/2 frames and go back. */
function upgrade(socket: Socket, requestHead: string, signal: AbortSignal): Promise<void> {
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
    socket.write(requestHead);
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
