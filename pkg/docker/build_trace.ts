import { BinaryReader } from "@bufbuild/protobuf/wire";

/** One node of BuildKit's graph: an instruction, or work around it. */
export interface Vertex {
  readonly digest: string;
  readonly name: string;
  readonly cached: boolean;
  readonly started: boolean;
  readonly completed: boolean;
  /** Empty unless it failed. */
  readonly error: string;
}

/** A piece of output of one vertex; lines may be cut anywhere. */
export interface VertexOutput {
  readonly vertex: string;
  readonly stream: number;
  readonly bytes: Uint8Array;
}

/** What one progress message says. */
export interface BuildTrace {
  readonly vertexes: readonly Vertex[];
  readonly outputs: readonly VertexOutput[];
}

/**
 * Decodes a `moby.buildkit.v1.StatusResponse`, as the engine sends it in `moby.buildkit.trace` messages. Fields that are
 * not needed (inputs, statuses, warnings, times) are skipped.
 */
export function decodeTrace(bytes: Uint8Array): BuildTrace {
  const vertexes: Vertex[] = [];
  const outputs: VertexOutput[] = [];
  eachField(new BinaryReader(bytes), (field, reader) => {
    if (field === 1) vertexes.push(decodeVertex(reader.bytes()));
    else if (field === 3) outputs.push(decodeOutput(reader.bytes()));
    else return false;
    return true;
  });
  return { vertexes, outputs };
}

function decodeVertex(bytes: Uint8Array): Vertex {
  const vertex = { digest: "", name: "", cached: false, started: false, completed: false, error: "" };
  eachField(new BinaryReader(bytes), (field, reader) => {
    if (field === 1) vertex.digest = reader.string();
    else if (field === 3) vertex.name = reader.string();
    else if (field === 4) vertex.cached = reader.bool();
    else if (field === 5) vertex.started = reader.bytes().length > 0;
    else if (field === 6) vertex.completed = reader.bytes().length > 0;
    else if (field === 7) vertex.error = reader.string();
    else return false;
    return true;
  });
  return vertex;
}

function decodeOutput(bytes: Uint8Array): VertexOutput {
  let [vertex, stream, message] = ["", 1, new Uint8Array(0)];
  eachField(new BinaryReader(bytes), (field, reader) => {
    if (field === 1) vertex = reader.string();
    else if (field === 3) stream = Number(reader.int64());
    else if (field === 4) message = new Uint8Array(reader.bytes());
    else return false;
    return true;
  });
  return { vertex, stream, bytes: message };
}

/** Calls `take` for each field; it returns false for those that it leaves unread. */
function eachField(reader: BinaryReader, take: (field: number, reader: BinaryReader) => boolean): void {
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!take(field, reader)) reader.skip(wireType, field);
  }
}
