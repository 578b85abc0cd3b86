import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { once } from "node:events";
import { Packet_PacketType } from "../../../proto/gen/fsutil/types/wire_pb.ts";
import { type Selected, selectEntries } from "../context/select.ts";
import type { ContextTree } from "../context/tree.ts";
import { FrameReader } from "./grpc_frames.ts";
import { dataPacket, decodePacket, errorPacket, finPacket, listEndPacket, statPacket } from "./packets.ts";

/** The method that BuildKit calls for each folder that a build reads. */
export const DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy";

/** A folder that was synchronized, for the log. */
export interface SyncReport {
  readonly folder: string;
  readonly filesSent: number;
  readonly bytesSent: number;
}

export interface SyncOptions {
  /** By the name that the frontend uses for it. */
  readonly folders: ReadonlyMap<string, ContextTree>;
  readonly signal: AbortSignal;
  readonly onDone?: (report: SyncReport) => void;
}

/** The metadata of a call. */
export interface SyncMetadata {
  readonly folder: string;
  /** Only these are asked for; none: everything. */
  readonly paths: readonly string[];
}

const FOLDER_DEFAULT = "context";
/** Requests and the end; content flows the other way only. */
const PACKET_BYTES_MAX = 64 * 1024;
const BATCH_BYTES = 64 * 1024;
/** Of content in one packet: gRPC in Go takes messages of 4 MiB, and no byte more. */
const CONTENT_BYTES_MAX = 256 * 1024;
const GRPC_HEADERS = { "content-type": "application/grpc" } as const;
const OK = "0";
const INTERNAL = "13";

/**
 * Reads the metadata of a call from its header fields, names and values in turn. Values that are not ASCII are escaped as in
 * URL queries, which a field `<name>-encoded` says.
 */
export function syncMetadata(rawHeaders: readonly string[]): SyncMetadata {
  const values = new Map<string, string[]>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = rawHeaders.slice(at, at + 2);
    values.set(name, [...values.get(name) ?? [], value]);
  }
  const read = (name: string): readonly string[] => {
    const found = values.get(name) ?? [];
    return values.has(`${name}-encoded`) ? found.map(unescape) : found;
  };
  return { folder: read("dir-name")[0] ?? FOLDER_DEFAULT, paths: read("followpaths") };
}

/** A value that is not escaped right stays as it is: it names no file. */
function unescape(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll("+", " "));
  } catch {
    return value;
  }
}

/**
 * Answers one `DiffCopy` call: lists a folder, and sends the files that BuildKit lacks. Never rejects. Exclude patterns are not applied:
 * the trees hold what the rules of their ignore files have left.
 */
export async function sendFolder(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  { folders, signal, onDone }: SyncOptions,
): Promise<void> {
  const { folder, paths } = syncMetadata(request.rawHeaders);
  const tree = folders.get(folder);
  let status = OK;
  response.writeHead(200, GRPC_HEADERS);
  try {
    if (tree === undefined) throw new Error(`the build has no folder "${folder}"`);
    const sender = new Sender({ request, response }, tree, selectEntries(tree, paths));
    await sender.send(signal);
    onDone?.({ folder, filesSent: sender.filesSent, bytesSent: sender.bytesSent });
  } catch (error) {
    if (response.stream.destroyed || response.stream.closed) return;
    status = INTERNAL;
    response.write(errorPacket(error instanceof Error ? error.message : String(error)));
  }
  response.addTrailers({ "grpc-status": status });
  response.end();
}

interface Call {
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
}

class Sender {
  readonly #response: Http2ServerResponse;
  readonly #tree: ContextTree;
  readonly #selected: readonly Selected[];
  readonly #requests: number[] = [];
  #served = 0;
  /** Aborts at a failure, which then ends a wait for the builder. */
  readonly #failed = new AbortController();
  #arrived = Promise.withResolvers<void>();
  #finished = false;
  #failure: Error | undefined;
  #batch: Uint8Array[] = [];
  #batched = 0;
  filesSent = 0;
  bytesSent = 0;

  constructor({ request, response }: Call, tree: ContextTree, selected: readonly Selected[]) {
    this.#response = response;
    this.#tree = tree;
    this.#selected = selected;
    const reader = new FrameReader(PACKET_BYTES_MAX);
    request.on("data", (chunk: Uint8Array) => this.#take(reader, chunk));
    request.on("end", () => this.#fail(new Error("the builder ended the synchronization")));
    request.on("error", (error: Error) => this.#fail(error));
    response.on("close", () => this.#fail(new Error("the builder closed the synchronization")));
  }

  async send(signal: AbortSignal): Promise<void> {
    const aborted = (): void => this.#fail(new Error("the build was stopped"));
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
    try {
      for (const { entry } of this.#selected) await this.#write(statPacket(entry));
      await this.#write(listEndPacket());
      for (let id = await this.#next(); id !== undefined; id = await this.#next()) {
        await this.#sendFile(id, signal);
      }
      await this.#write(finPacket());
      await this.#flush();
    } finally {
      signal.removeEventListener("abort", aborted);
    }
  }

  #take(reader: FrameReader, chunk: Uint8Array): void {
    try {
      for (const message of reader.push(chunk)) {
        const { type, id, data } = decodePacket(message);
        if (type === Packet_PacketType.PACKET_REQ) this.#requests.push(id);
        else if (type === Packet_PacketType.PACKET_FIN) this.#finished = true;
        else if (type === Packet_PacketType.PACKET_ERR) {
          this.#fail(new Error(`the builder failed: ${new TextDecoder().decode(data)}`));
        }
      }
      if (this.#requests.length > this.#selected.length) throw new Error("more requests than files");
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#arrived.resolve();
  }

  #fail(error: Error): void {
    if (this.#finished || this.#failure !== undefined) return;
    this.#failure = error;
    this.#failed.abort();
    this.#arrived.resolve();
  }

  /** The next file that the builder asks for; `undefined` when it has all. */
  async #next(): Promise<number | undefined> {
    while (true) {
      if (this.#failure !== undefined) throw this.#failure;
      const id = this.#requests[this.#served];
      if (id !== undefined) {
        this.#served++;
        return id;
      }
      if (this.#finished) return undefined;
      await this.#flush();
      if (this.#requests.length > this.#served || this.#finished || this.#failure !== undefined) continue;
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
  }

  async #sendFile(id: number, signal: AbortSignal): Promise<void> {
    const content = this.#selected[id]?.content;
    if (content === undefined) throw new Error(`the builder asked for entry ${id}, which is not listed`);
    if (content.kind !== "file") throw new Error(`the builder asked for entry ${id}, which is not a file`);
    for await (const piece of this.#tree.read(content, signal)) {
      this.bytesSent += piece.length;
      for (let at = 0; at < piece.length; at += CONTENT_BYTES_MAX) {
        await this.#write(dataPacket(id, piece.subarray(at, at + CONTENT_BYTES_MAX)));
      }
    }
    this.filesSent++;
    await this.#write(dataPacket(id, new Uint8Array(0)));
  }

  /** Small packets go out together, since each write costs more than its bytes. */
  #write(frame: Uint8Array): Promise<void> | undefined {
    this.#batch.push(frame);
    this.#batched += frame.length;
    return this.#batched >= BATCH_BYTES ? this.#flush() : undefined;
  }

  async #flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const [first, ...others] = this.#batch;
    if (first === undefined) return;
    const bytes = others.length === 0 ? first : joined(this.#batch, this.#batched);
    this.#batch = [];
    this.#batched = 0;
    if (!this.#response.write(bytes)) await this.#drained();
  }

  async #drained(): Promise<void> {
    try {
      await once(this.#response, "drain", { signal: this.#failed.signal });
    } catch (error) {
      throw this.#failure ?? error;
    }
  }
}

function joined(frames: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}
