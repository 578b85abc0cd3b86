import { Packet_PacketType } from "../../../proto/gen/fsutil/types/wire_pb.ts";
import type { Field, FieldToSend, Stream, StreamHandler } from "../../http2/mod.ts";
import { type Selected, selectEntries } from "../context/select.ts";
import type { ContextTree } from "../context/tree.ts";
import { FrameReader } from "../connection/grpc_frames.ts";
import { dataHead, decodePacket, errorPacket, finPacket, listEndPacket, statPacket } from "./packets.ts";

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
/** Larger pieces are not copied into a batch. */
const BATCH_BYTES_MAX = 16 * 1024;
/** Of content in one packet: gRPC in Go takes messages of 4 MiB, and no byte more. */
const CONTENT_BYTES_MAX = 64 * 1024;
const HEADERS: readonly FieldToSend[] = [
  { lower: ":status", value: "200" },
  { lower: "content-type", value: "application/grpc" },
];
const NOTHING = new Uint8Array();
const OK = "0";
const INTERNAL = "13";

/**
 * Reads the metadata of a call from its header fields. Values that are not ASCII are escaped as in URL queries, which a field
 * `<name>-encoded` says.
 */
export function syncMetadata(fields: readonly Field[]): SyncMetadata {
  const values = new Map<string, string[]>();
  for (const { name, value } of fields) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
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
  stream: Stream,
  fields: readonly Field[],
  { folders, signal, onDone }: SyncOptions,
): Promise<void> {
  const { folder, paths } = syncMetadata(fields);
  const tree = folders.get(folder);
  const sender = new Sender(stream, tree === undefined ? [] : selectEntries(tree, paths));
  stream.handler = sender;
  stream.headers(HEADERS, false);
  let status = OK;
  try {
    if (tree === undefined) throw new Error(`the build has no folder "${folder}"`);
    await sender.send(tree, signal);
    onDone?.({ folder, filesSent: sender.filesSent, bytesSent: sender.bytesSent });
  } catch (error) {
    if (sender.gone) return;
    status = INTERNAL;
    stream.data([errorPacket(error instanceof Error ? error.message : String(error))], undefined);
  }
  stream.data([], [{ lower: "grpc-status", value: status }]);
  stream.forgo();
}

class Sender implements StreamHandler {
  readonly #stream: Stream;
  readonly #selected: readonly Selected[];
  readonly #reader = new FrameReader(PACKET_BYTES_MAX);
  readonly #requests: number[] = [];
  #served = 0;
  /** Resolves when the builder sent something, takes more, or is gone. */
  #changed = Promise.withResolvers<void>();
  #finished = false;
  #failure: Error | undefined;
  #full = false;
  #batch: Uint8Array[] = [];
  #batched = 0;
  /** The call is over: nothing can be sent. */
  gone = false;
  filesSent = 0;
  bytesSent = 0;

  constructor(stream: Stream, selected: readonly Selected[]) {
    this.#stream = stream;
    this.#selected = selected;
  }

  data(bytes: Uint8Array): void {
    this.#stream.consumed(bytes.length);
    try {
      for (const message of this.#reader.push(bytes)) this.#take(message);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#changed.resolve();
  }

  ended(): void {
    if (!this.#finished) this.#fail(new Error("the builder ended the synchronization"));
  }

  reset(): void {
    this.gone = true;
    this.#fail(new Error("the builder closed the synchronization"));
  }

  drained(): void {
    this.#full = false;
    this.#changed.resolve();
  }

  headers(): void {
    // Those of the request came with the stream.
  }

  async send(tree: ContextTree, signal: AbortSignal): Promise<void> {
    const aborted = (): void => this.#fail(new Error("the build was stopped"));
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
    try {
      for (const { entry } of this.#selected) await this.#write(statPacket(entry));
      await this.#write(listEndPacket());
      for (let id = await this.#next(); id !== undefined; id = await this.#next()) {
        await this.#sendFile(tree, id, signal);
      }
      await this.#write(finPacket());
      await this.#flush();
    } finally {
      signal.removeEventListener("abort", aborted);
    }
  }

  #take(message: Uint8Array): void {
    const { type, id, data } = decodePacket(message);
    if (type === Packet_PacketType.PACKET_REQ) this.#requests.push(id);
    else if (type === Packet_PacketType.PACKET_FIN) this.#finished = true;
    else if (type === Packet_PacketType.PACKET_ERR) {
      throw new Error(`the builder failed: ${new TextDecoder().decode(data)}`);
    }
    if (this.#requests.length > this.#selected.length) throw new Error("more requests than files");
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#changed.resolve();
  }

  /** The next file that the builder asks for; `undefined` when it has all. */
  async #next(): Promise<number | undefined> {
    const isReady = (): boolean => this.#requests.length > this.#served || this.#finished;
    if (!isReady()) await this.#flush();
    await this.#until(isReady);
    const id = this.#requests[this.#served];
    if (id !== undefined) this.#served++;
    return id;
  }

  async #sendFile(tree: ContextTree, id: number, signal: AbortSignal): Promise<void> {
    const content = this.#selected[id]?.content;
    if (content === undefined) throw new Error(`the builder asked for entry ${id}, which is not listed`);
    if (content.kind !== "file") throw new Error(`the builder asked for entry ${id}, which is not a file`);
    for await (const piece of tree.read(content, signal)) {
      this.bytesSent += piece.length;
      for (let at = 0; at < piece.length; at += CONTENT_BYTES_MAX) {
        const data = piece.subarray(at, at + CONTENT_BYTES_MAX);
        await this.#write(dataHead(id, data.length));
        await (data.length < BATCH_BYTES_MAX ? this.#write(data.slice()) : this.#flush(data));
      }
    }
    this.filesSent++;
    await this.#write(dataHead(id, 0));
  }

  /** Small packets go out together, since each write costs more than its bytes. */
  #write(bytes: Uint8Array): Promise<void> | undefined {
    this.#batch.push(bytes);
    this.#batched += bytes.length;
    return this.#batched >= BATCH_BYTES ? this.#flush() : undefined;
  }

  /** Sends what waits, and `content` behind it. */
  async #flush(content: Uint8Array = NOTHING): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#batched + content.length === 0) return;
    const waiting = joined(this.#batch, this.#batched);
    this.#batch = [];
    this.#batched = 0;
    this.#full = !this.#stream.data([waiting, content], undefined);
    await this.#until(() => !this.#full);
  }

  async #until(isReady: () => boolean): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (isReady()) return;
      this.#changed = Promise.withResolvers();
      await this.#changed.promise;
    }
  }
}

function joined(frames: readonly Uint8Array[], length: number): Uint8Array {
  const [first = NOTHING, ...others] = frames;
  if (others.length === 0) return first;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}
