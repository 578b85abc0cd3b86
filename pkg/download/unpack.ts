import { createTarDecoder } from "modern-tar";
import { publicFault } from "../fault/mod.ts";

export interface UnpackOptions {
  /** A tar archive, compressed with gzip. */
  readonly archive: string;
  /** The name of the file in it. */
  readonly entry: string;
  /** A new file. */
  readonly path: string;
  readonly bytesMax: number;
  /** The archive in the texts of errors. */
  readonly subject: string;
}

/** Writes one file of an archive, to the disk. @throws `failed_precondition` when it is not in there */
export async function unpackFile(options: UnpackOptions): Promise<void> {
  const { archive, entry, path, bytesMax, subject } = options;
  using source = await Deno.open(archive);
  using file = await Deno.open(path, { write: true, createNew: true });
  const entries = chunksOf(source).pipeThrough(new DecompressionStream("gzip"));
  for await (const { header, body } of entries.pipeThrough(createTarDecoder({ strict: true }))) {
    const isWanted = header.name === entry && header.size > 0 && header.size <= bytesMax;
    // Other entries are read, too: in modern-tar 0.8.6 cancelling a body may stop the one after it for ever.
    for await (const chunk of body) {
      for (let done = 0; isWanted && done < chunk.length;) done += await file.write(chunk.subarray(done));
    }
    if (isWanted) return await file.sync();
  }
  throw publicFault("failed_precondition", `The archive of ${subject} does not contain ${entry}.`);
}

const CHUNK_BYTES = 256 * 1024;

/** Unlike `file.readable` this leaves the file to its owner, who closes it also after an error. */
function chunksOf(file: Deno.FsFile): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller): Promise<void> {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const read = await file.read(chunk);
      if (read === null) controller.close();
      else controller.enqueue(chunk.subarray(0, read));
    },
  });
}
