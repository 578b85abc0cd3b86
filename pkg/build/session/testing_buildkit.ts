import assert from "node:assert/strict";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { connect as connectTcp } from "node:net";
import { Duplex } from "node:stream";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BytesMessageSchema } from "../../../proto/gen/moby/buildkit/v1/control_pb.ts";
import { type Connection, overSocket } from "../connection/connection.ts";
import { frame, unframed, until } from "./testing.ts";

/** The answer of a call with one message each way. */
export interface UnaryAnswer {
  readonly status: string;
  readonly message: string;
  readonly bytes: Uint8Array;
}

/** The part of BuildKit that takes sessions, and calls their methods. */
export class FakeBuildkit implements AsyncDisposable {
  readonly #server: Http2Server;
  readonly #outer: ServerHttp2Stream[] = [];
  /** The header fields of each session's call. */
  readonly headers: IncomingHttpHeaders[] = [];
  readonly sessions: ClientHttp2Session[] = [];
  readonly connection: Connection;

  private constructor(server: Http2Server) {
    this.#server = server;
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    this.connection = overSocket(connectTcp(address.port, "127.0.0.1"), "http://buildkitd");
    server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on("error", () => undefined);
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      this.headers.push(headers);
      this.#outer.push(stream);
      const tunnel = overMessages(stream);
      const session = connect("http://session", { createConnection: () => tunnel });
      session.on("error", () => undefined);
      this.sessions.push(session);
    });
  }

  static async start(): Promise<FakeBuildkit> {
    const server = createServer();
    server.on("sessionError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FakeBuildkit(server);
  }

  /** Calls of sessions that have not ended. */
  get open(): number {
    return this.#outer.filter((stream) => !stream.closed).length;
  }

  /** The newest session. */
  async session(): Promise<ClientHttp2Session> {
    await until(() => this.sessions.length > 0);
    return this.sessions.at(-1) ?? assert.fail();
  }

  async stream(path: string, headers: OutgoingHttpHeaders = {}): Promise<ClientHttp2Stream> {
    const session = await this.session();
    const fields = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request({ ...fields, ...headers });
    stream.on("error", () => undefined);
    return stream;
  }

  async unary(path: string, message: Uint8Array): Promise<UnaryAnswer> {
    const stream = await this.stream(path);
    let bytes: Uint8Array = new Uint8Array(0);
    let fields: IncomingHttpHeaders = {};
    stream.on("response", (headers) => fields = { ...fields, ...headers });
    stream.on("trailers", (trailers: IncomingHttpHeaders) => fields = { ...fields, ...trailers });
    stream.on("data", (chunk: Uint8Array) => bytes = Uint8Array.from([...bytes, ...chunk]));
    stream.end(frame(message));
    await until(() => stream.closed);
    return {
      status: String(fields["grpc-status"] ?? "none"),
      message: decodeURIComponent(String(fields["grpc-message"] ?? "")),
      bytes: unframed(bytes).messages[0] ?? new Uint8Array(0),
    };
  }

  /** Ends the newest session's call as a BuildKit does that is stopped. */
  drop(): void {
    this.#outer.at(-1)?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.connection.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Bytes as `BytesMessage`s, written with the library and not with the code under test. */
function overMessages(stream: ServerHttp2Stream): Duplex {
  let rest: Uint8Array = new Uint8Array(0);
  const duplex = new Duplex({
    read: () => void stream.resume(),
    write(chunk: Uint8Array, _encoding, done) {
      stream.write(frame(toBinary(BytesMessageSchema, create(BytesMessageSchema, { data: chunk }))), done);
    },
    destroy(error, done) {
      stream.close();
      done(error);
    },
  });
  duplex.on("error", () => undefined);
  stream.on("data", (chunk: Uint8Array) => {
    const all = new Uint8Array(rest.length + chunk.length);
    all.set(rest);
    all.set(chunk, rest.length);
    const cut = unframed(all);
    rest = cut.rest;
    for (const message of cut.messages) {
      assert.ok(message.length < 4 * 1024 * 1024, "old versions take no longer message");
      if (!duplex.push(fromBinary(BytesMessageSchema, message).data)) stream.pause();
    }
  });
  stream.on("close", () => duplex.destroy());
  return duplex;
}
