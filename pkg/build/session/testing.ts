import assert from "node:assert/strict";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Packet, Packet_PacketType, PacketSchema } from "../../../proto/gen/fsutil/types/wire_pb.ts";
import { Http2Connection } from "../../http2/mod.ts";
import type { ContextEntry, ContextTree } from "../context/tree.ts";
import { DIFF_COPY, sendFolder, type SyncOptions } from "./file_sync.ts";

/** Far more than any test takes. */
export const FAR_MS = 15_000;

/** A tree of these files; each value is a file's content, and a path that ends with a slash is a folder. */
export function memoryTree(files: Readonly<Record<string, string | Uint8Array>>): ContextTree {
  const contents = new Map(
    Object.entries(files).map(([path, content]) =>
      [path, typeof content === "string" ? new TextEncoder().encode(content) : content] as const
    ),
  );
  return {
    entries: [...contents].map(([path, content]): ContextEntry => ({
      path: path.replace(/\/$/, ""),
      kind: path.endsWith("/") ? "folder" : "file",
      mode: 0o644,
      size: content.length,
      modifiedAtNs: 5n,
      target: "",
    })),
    async *read({ path }, signal) {
      const content = contents.get(path) ?? new Uint8Array(0);
      for (let at = 0; at < content.length; at += 100_000) {
        signal.throwIfAborted();
        yield await Promise.resolve(content.subarray(at, at + 100_000));
      }
    },
  };
}

/** Frames a message as gRPC does. */
export function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(5 + message.length);
  new DataView(framed.buffer).setUint32(1, message.length);
  framed.set(message, 5);
  return framed;
}

/** Cuts complete messages off the front of `bytes`. */
export function unframed(
  bytes: Uint8Array,
): { readonly messages: readonly Uint8Array[]; readonly rest: Uint8Array } {
  const messages: Uint8Array[] = [];
  let at = 0;
  while (bytes.length - at >= 5) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(1);
    if (bytes.length - at < 5 + length) break;
    messages.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return { messages, rest: bytes.subarray(at) };
}

/** Waits until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + FAR_MS;
  while (!condition()) {
    assert.ok(performance.now() < deadline, `not in time: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** BuildKit's end of a `DiffCopy` call. */
export class SyncCall {
  readonly stats: NonNullable<Packet["stat"]>[] = [];
  readonly errors: string[] = [];
  /** Bytes that have come of each id. */
  readonly received = new Map<number, number>();
  readonly ended = new Set<number>();
  listed = false;
  finished = false;
  closed = false;
  trailers: Readonly<Record<string, unknown>> | undefined;
  readonly stream: ClientHttp2Stream;
  readonly #hold: (id: number, data: Uint8Array) => void;

  constructor(stream: ClientHttp2Stream, hold: (id: number, data: Uint8Array) => void = () => undefined) {
    this.stream = stream;
    this.#hold = hold;
    let rest: Uint8Array = new Uint8Array(0);
    stream.on("data", (chunk: Uint8Array) => {
      const all = new Uint8Array(rest.length + chunk.length);
      all.set(rest);
      all.set(chunk, rest.length);
      const cut = unframed(all);
      rest = cut.rest;
      for (const message of cut.messages) this.#take(message);
    });
    stream.on("trailers", (trailers) => this.trailers = trailers);
    stream.on("error", () => undefined);
    // As a client of gRPC does, which sends nothing after the status.
    stream.on("end", () => stream.close());
    stream.on("close", () => this.closed = true);
  }

  get status(): string {
    return String(this.trailers?.["grpc-status"] ?? "");
  }

  send(type: Packet_PacketType, fields: { readonly id?: number; readonly data?: Uint8Array } = {}): void {
    this.stream.write(frame(toBinary(PacketSchema, create(PacketSchema, { type, ...fields }))));
  }

  request(...ids: readonly number[]): void {
    for (const id of ids) this.send(Packet_PacketType.PACKET_REQ, { id });
  }

  finish(): void {
    this.send(Packet_PacketType.PACKET_FIN);
  }

  #take(message: Uint8Array): void {
    const { type, stat, id, data } = fromBinary(PacketSchema, message);
    if (type === Packet_PacketType.PACKET_STAT) {
      if (stat === undefined) this.listed = true;
      else this.stats.push(stat);
    } else if (type === Packet_PacketType.PACKET_DATA) {
      this.#hold(id, data);
      if (data.length === 0) this.ended.add(id);
      this.received.set(id, (this.received.get(id) ?? 0) + data.length);
    } else if (type === Packet_PacketType.PACKET_ERR) this.errors.push(new TextDecoder().decode(data));
    else if (type === Packet_PacketType.PACKET_FIN) this.finished = true;
  }
}

/** A client of a connection that answers `DiffCopy`. */
export class SyncBed implements AsyncDisposable {
  readonly #server: Server;
  readonly #near: Socket;
  readonly #client: ClientHttp2Session;
  /** Calls that `sendFolder` has not ended yet. */
  open = 0;

  private constructor(server: Server, near: Socket, far: Socket, options: SyncOptions) {
    this.#server = server;
    this.#near = near;
    new Http2Connection({
      socket: far,
      limits: {
        streamsMax: 10,
        headBytesMax: 65_536,
        streamWindowBytes: 100_000,
        connectionWindowBytes: 100_000,
      },
      nowMs: () => performance.now(),
      accept: (stream, { fields }) => {
        this.open++;
        void sendFolder(stream, fields, options).finally(() => this.open--);
      },
      closed: () => far.destroySoon(),
    });
    this.#client = connect("http://bed", { createConnection: () => near });
    this.#client.on("error", () => undefined);
  }

  static async start(options: SyncOptions): Promise<SyncBed> {
    const accepted = Promise.withResolvers<Socket>();
    const server = createServer({ noDelay: true }, (socket) => accepted.resolve(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const near = connectTcp({ port: address.port, host: "127.0.0.1", noDelay: true });
    return new SyncBed(server, near, await accepted.promise, options);
  }

  call(
    headers: Readonly<Record<string, string | string[]>>,
    hold?: (id: number, data: Uint8Array) => void,
  ): SyncCall {
    return new SyncCall(this.#client.request({ ":method": "POST", ":path": DIFF_COPY, ...headers }), hold);
  }

  drop(): void {
    this.#near.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    this.drop();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await until(() => this.open === 0);
  }
}
